// Who the page is. A dashboard of your own asks its own login here; nothing else
// of the page knows where tokens come from.

// Refused says why there is no session: code is one of the server's, or "unreachable".
export class Refused extends Error {
  constructor(code, detail) {
    super(detail);
    this.code = code;
  }
}

// open returns a session for a tenant and group: { tenant, user, groups, token, channels, views, time }.
export async function open({ tenant, group }) {
  let response;
  try {
    response = await fetch(`/demo/session?${new URLSearchParams({ tenant, group })}`, { cache: "no-store", signal: AbortSignal.timeout(10_000) });
  } catch {
    throw new Refused("unreachable", "The server does not answer.");
  }
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(body.code ?? "internal", body.detail ?? `The server answered ${response.status}.`);
  return body;
}
