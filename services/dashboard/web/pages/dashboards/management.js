// The management API: one call after the other, each also as a line for a terminal and as JavaScript.

// claims reads what a token says, without checking it: the server does that.
export function claims(token) {
  try {
    const [, body] = token.split(".");
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(body.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0))));
  } catch {
    return {};
  }
}

// quoted writes a text for a shell.
export const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

// management makes calls for a tenant. token() returns the token; told is told of every call that changes something, or that somebody asked for.
export function management({ base, tenant, token, told }) {
  const root = `${new URL(base, location.href).origin}/v1/tenants`;
  return {
    // call returns what the API answers, and throws an error with its words and code. quiet is for what the page asks by itself.
    async call(method, path, body, { quiet = false, about = tenant() } = {}) {
      const url = about ? `${root}/${encodeURIComponent(about)}${path}` : `${root}${path}`;
      const json = body === undefined ? undefined : JSON.stringify(body);
      if (!quiet) told({
        curl: `curl -sS${method === "GET" ? "" : ` -X ${method}`} ${quoted(url)} -H "Authorization: Bearer $TIDEWIRE_TOKEN"${json === undefined ? "" : ` -H 'Content-Type: application/json' -d ${quoted(json)}`}`,
        js: `await fetch(${JSON.stringify(url)}, {\n  method: ${JSON.stringify(method)},\n  headers: { Authorization: \`Bearer \${token}\`${json === undefined ? "" : `, "Content-Type": "application/json"`} },${json === undefined ? "" : `\n  body: JSON.stringify(${json}),`}\n});`,
      });
      const response = await fetch(url, { method, body: json, cache: "no-store", headers: { Authorization: `Bearer ${await token()}`, ...(json === undefined ? {} : { "Content-Type": "application/json" }) }, signal: AbortSignal.timeout(15_000) }).catch(() => {
        throw new Error("The server does not answer.");
      });
      const text = await response.text();
      let answer = null;
      try {
        answer = text ? JSON.parse(text) : null;
      } catch {
        // Not from this API.
      }
      if (!response.ok) throw Object.assign(new Error(answer?.detail ?? `The server answered ${response.status}.`), { code: answer?.code, status: response.status });
      return answer;
    },
  };
}
