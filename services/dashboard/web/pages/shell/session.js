// Who the page is. A dashboard of your own asks its own login here; nothing else
// of the page knows where tokens come from.

// Refused says why there is no session. With again, the same question may be answered later.
export class Refused extends Error {
  constructor(message, { code = "internal", again = false, afterMs = 0 } = {}) {
    super(message);
    Object.assign(this, { code, again, afterMs });
  }
}

// open returns a session for a tenant and group: { tenant, user, groups, token, channels, views, time }.
export async function open({ tenant, group }) {
  let response;
  let body;
  try {
    response = await fetch(`/demo/session?${new URLSearchParams({ tenant, group })}`, { cache: "no-store", signal: AbortSignal.timeout(10_000) });
    body = await response.json().catch((error) => {
      if (error instanceof SyntaxError) return null; // not from our server, or cut off
      throw error;
    });
  } catch {
    throw new Refused("The server does not answer.", { again: true });
  }
  if (!response.ok) {
    const afterMs = Number(body?.retryAfterMs) || 1000 * Number(response.headers.get("Retry-After")) || 0;
    const again = response.status >= 500 || response.status === 429 || response.status === 408;
    throw new Refused(again ? `The server answered ${response.status}.` : (body?.detail ?? `The server answered ${response.status}.`), { code: body?.code, again, afterMs });
  }
  if (!body?.token || !body.tenant || !body.groups?.length || !body.channels) throw new Refused("The server's answer is not a session.", { again: true });
  return body;
}
