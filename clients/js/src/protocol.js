// What the protocol calls itself in a handshake.

export const PROTOCOL = "tidewire.v1.json";
