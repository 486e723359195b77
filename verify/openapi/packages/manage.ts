// Manages a tenant by the client whose types are made of the description. It ends with an error at the first answer that is not as described.
import createClient from "openapi-fetch";
import type { paths } from "./schema.js";

declare const process: { argv: string[] };
const [url, token] = process.argv.slice(2) as [string, string];
const client = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${token}` } });
const path = { tenant: "initech" };

function is<T>(what: string, got: T, want: T): void {
  if (JSON.stringify(got) !== JSON.stringify(want)) {
    throw new Error(`${what}: ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
  }
}

function good<T>(what: string, answer: { data?: T; error?: unknown; response: Response }): NonNullable<T> {
  if (answer.data === undefined || answer.data === null) {
    throw new Error(`${what}: ${answer.response.status} ${JSON.stringify(answer.error)}`);
  }
  return answer.data;
}

const put = await client.PUT("/v1/tenants/{tenant}", {
  params: { path },
  body: { auth: { keys: [{ kid: "k1", alg: "HS256", secret: "thirty-two bytes of secret or more" }] }, limits: { connections: 500 } },
});
is("the status of a creation", put.response.status, 201);
is("limits", good("put", put).limits?.connections, 500);

const conflict = await client.PUT("/v1/tenants/{tenant}", { params: { path, header: { "If-None-Match": "*" } }, body: {} });
is("the code of a conflict", conflict.error?.code, "conflict");

const patch = await client.PATCH("/v1/tenants/{tenant}", { params: { path }, body: { limits: { connections: 700 }, namespaces: { fleet: { state: { durable: false } } } } });
good("patch", patch);
is("the change", patch.response.headers.get("Tidewire-Change"), "changed");

const shown = good("get", await client.GET("/v1/tenants/{tenant}", { params: { path } }));
is("what is shown", shown.limits?.connections, 700);

const rotated = good("rotate", await client.POST("/v1/tenants/{tenant}/keys/{kid}/rotate", { params: { path: { ...path, kid: "k1" } }, body: { kid: "k2", overlap: "1h" } }));
is("the keys", rotated.keys.map((k) => k.kid), ["k2", "k1"]);
good("withdraw", await client.DELETE("/v1/tenants/{tenant}/keys/{kid}", { params: { path: { ...path, kid: "k1" } } }));

const made = good("token", await client.POST("/v1/tenants/{tenant}/tokens", { params: { path }, body: { user: "ann", channels: { subscribe: ["fleet:*"] } } }));
is("a token", made.token.split(".").length, 3);

const accepted = good("publish", await client.POST("/v1/tenants/{tenant}/publish", { params: { path }, body: { channel: "fleet:eu", key: "v1", data: { lat: 52.5 } } }));
is("accepted", accepted.accepted, 1);

const why = good("explain", await client.POST("/v1/tenants/{tenant}/explain", { params: { path }, body: { channel: "fleet:eu", key: "v1", token: made.token } }));
is("what would become of it", [why.publish.outcome, why.access?.subscribe?.outcome, why.access?.publish?.code, why.subscriptions.length], ["accepted", "accepted", "forbidden", 0]);

const channels = good("channels", await client.GET("/v1/tenants/{tenant}/channels", { params: { path, query: { prefix: "fleet:", limit: 10 } } }));
is("channels", [channels.channels.length, channels.complete], [0, true]);
const connections = good("connections", await client.GET("/v1/tenants/{tenant}/connections", { params: { path, query: { user: "ann" } } }));
is("connections", connections.connections.length, 0);
is("logout", good("logout", await client.POST("/v1/tenants/{tenant}/users/{user}/logout", { params: { path: { ...path, user: "ann" } } })).user, "ann");

good("suspend", await client.POST("/v1/tenants/{tenant}/suspend", { params: { path } }));
const refused = await client.POST("/v1/tenants/{tenant}/publish", { params: { path }, body: { channel: "fleet:eu", key: "v1", data: 1 } });
is("of a suspended tenant", [refused.response.status, refused.error?.code], [403, "suspended"]);
good("resume", await client.POST("/v1/tenants/{tenant}/resume", { params: { path } }));

const tenants = good("list", await client.GET("/v1/tenants", { params: { query: { limit: 1000 } } }));
is("the list", tenants.tenants.includes("initech"), true);
good("delete", await client.PATCH("/v1/tenants/{tenant}", { params: { path }, body: { deleted: true } }));
const gone = await client.GET("/v1/tenants/{tenant}", { params: { path } });
is("of what is gone", gone.error?.code, "not-found");
console.log("managed");
