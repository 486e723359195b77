package browser

import "testing"

// outboxWorlds are runs of the queue of the whiteboard against a server that refuses, is full, breaks off before it has stored something and after, and takes its
// time, while somebody changes things again and again: in the end the server has the newest of each that was not refused for good.
const outboxWorlds = `(async () => {
	const { outbox } = await import("/dashboards/outbox.js");
	let state = 7;
	const random = (n) => ((state = Math.imul(state, 1103515245) + 12345) >>> 16) % n;
	const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
	const fail = (code) => Promise.reject(Object.assign(new Error(code), { code, retryAfterMs: 1 }));
	async function world(n) {
		const [server, made, refused, room] = [new Map(), new Map(), new Set(), 4];
		const queue = outbox({
			async publish(key, data) {
				await pause(random(3));
				if (data?.bad) return fail("too-large");
				if (data !== undefined && !server.has(key) && server.size >= room) return fail("limited");
				const fault = random(8);
				if (fault === 0) return fail("unavailable");
				if (data === undefined) server.delete(key);
				else server.set(key, data.n);
				await pause(random(3));
				if (fault === 1) return fail("unavailable");
			},
			failed: (_, key) => refused.add(key),
		});
		for (let i = 0; i < 30; i++) {
			const key = "k" + random(6);
			const data = random(4) === 0 ? undefined : { n: i, bad: random(10) === 0 };
			made.set(key, data);
			refused.delete(key);
			queue.put(key, data);
			if (random(2) === 0) await pause(random(4));
		}
		for (const key of ["k0", "k1", "k2"]) { // there is room again
			made.set(key, undefined);
			refused.delete(key);
			queue.put(key, undefined);
		}
		for (let i = 0; queue.size > 0; i++) {
			if (i > 3000) return "world " + n + ": " + queue.size + " are waiting still";
			await pause(2);
		}
		for (const [key, data] of made) {
			if (data?.bad !== refused.has(key) && (data?.bad || refused.has(key))) return "world " + n + ": " + key + " is refused " + refused.has(key) + ", and is " + JSON.stringify(data);
			if (!data?.bad && server.get(key) !== data?.n) return "world " + n + ": the server has " + server.get(key) + " of " + key + ", not " + JSON.stringify(data);
		}
		return "";
	}
	return (await Promise.all(Array.from({ length: 100 }, (_, n) => world(n)))).filter(Boolean).slice(0, 5).join("; ") || "good";
})()`

// keepsWhatWasMade tries the queue of the whiteboard.
func keepsWhatWasMade(t *testing.T, p *tab) {
	t.Helper()
	value[any](p, `void (`+outboxWorlds+`.then((said) => (window.outboxSaid = said), (error) => (window.outboxSaid = String(error))))`)
	p.waitFor("what became of the queues", `window.outboxSaid`)
	if said := value[string](p, `window.outboxSaid`); said != "good" {
		t.Error(said)
	}
}
