// The client that the components below a provider use.
import { createContext, createElement, useContext } from "react";

const Client = createContext(null);

export function TidewireProvider({ client, children }) { return createElement(Client.Provider, { value: client }, children); }

export function useTidewire() {
  const client = useContext(Client);
  if (!client) throw new Error("tidewire: there is no <TidewireProvider client={...}> above this component");
  return client;
}
