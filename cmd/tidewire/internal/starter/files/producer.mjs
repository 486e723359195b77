// Sends a reading of each sensor once a second, as a device or a function does: by HTTP, with a token that may publish. Node 20 or newer, without packages.
const { TIDEWIRE_URL: url, TIDEWIRE_TOKEN: token } = process.env;
if (!url || !token) {
  console.error("TIDEWIRE_URL and TIDEWIRE_TOKEN must be set: README.md says how");
  process.exit(2);
}
const celsius = { door: 18, oven: 61, window: 15 };
for (;;) {
  const events = Object.keys(celsius).map((key) => {
    celsius[key] += Math.random() - 0.5;
    return { channel: "sensors:hall", key, data: { celsius: Math.round(celsius[key] * 10) / 10 } };
  });
  const answer = await fetch(`${url}/v1/tenants/app/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(events),
  }).catch((failed) => ({ ok: false, status: failed.cause?.code ?? failed.message, text: async () => "" }));
  if (!answer.ok) console.error(`${answer.status} ${await answer.text()}`); // it goes on with the next readings
  await new Promise((done) => setTimeout(done, 1000));
}
