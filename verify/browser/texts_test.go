package browser

import (
	"fmt"
	"os"
	"testing"
)

// textsWorlds are runs of the texts of notes against a server that breaks off before it has stored something and after, and shows its state in any order, while
// several tabs write in the same notes, some of them offline: in the end all have the same, as has who comes late, and no word is lost that nobody has deleted.
const textsWorlds = `(async () => {
	const { texts } = await import("/dashboards/texts.js");
	let state = 11;
	const random = (n) => ((state = Math.imul(state, 1103515245) + 12345) >>> 16) % n;
	const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
	const fail = () => Promise.reject(Object.assign(new Error("unavailable"), { code: "unavailable", retryAfterMs: 1 }));
	const shuffled = (all) => all.map((each) => [random(1000), each]).sort(([a], [b]) => a - b).map(([, each]) => each);
	async function world(n) {
		const [server, tabs, words, names] = [new Map(), [], [], ["a", "b"]];
		let most = 0;
		const open = () => {
			const tab = { online: true, missed: new Map(server) };
			const give = () => {
				if (!tab.online || tab.missed.size === 0) return;
				const all = shuffled([...tab.missed]).slice(0, 1 + random(6));
				for (const [key] of all) tab.missed.delete(key);
				tab.onChange({ changed: all.filter(([, data]) => data !== undefined).map(([key, data]) => ({ key, data })), removed: all.filter(([, data]) => data === undefined).map(([key]) => key) });
			};
			const timer = setInterval(give, 3);
			tab.texts = texts({
				mine: "t" + tabs.length, changed() {}, failed: (error) => (tab.refused = error),
				read: (onChange) => (tab.onChange = onChange, { stop: () => clearInterval(timer) }),
				async publish(key, data) {
					await pause(random(2));
					const fault = random(10);
					if (!tab.online || fault === 0) return fail();
					if (data === undefined) server.delete(key);
					else server.set(key, data);
					most = Math.max(most, server.size);
					for (const other of tabs) other.missed.set(key, data);
					if (fault === 1) return fail();
				},
			});
			tabs.push(tab);
			return tab;
		};
		for (let i = 0; i < 3; i++) open();
		for (let i = 0; i < 260; i++) {
			const tab = tabs[random(tabs.length)];
			if (random(25) === 0) tab.online = !tab.online;
			const name = names[random(2)];
			const now = tab.texts.read(name), at = random(now.length + 1);
			if (n % 2 === 0 || random(3) > 0) {
				const word = String.fromCharCode(0x4e00 + words.length); // one letter, so that no other is put within
				words.push(word);
				tab.texts.write(name, now.slice(0, at) + word + now.slice(at));
			} else tab.texts.write(name, now.slice(0, at) + now.slice(at + random(3)));
			await pause(random(6) === 0 ? 160 : random(4));
		}
		for (const tab of tabs) tab.online = true;
		const late = open();
		const image = ({ texts }) => JSON.stringify(names.map((name) => texts.read(name)));
		for (let i = 0; ; i++, await pause(20)) {
			if (tabs.every((tab) => tab.texts.size === 0 && tab.missed.size === 0 && image(tab) === image(late))) break;
			if (i > 1000) return "world " + n + ": " + tabs.map((tab) => tab.texts.size + " " + tab.missed.size + " " + image(tab)).join(" | ");
		}
		const lost = n % 2 === 0 ? words.filter((word) => !image(late).includes(word)) : [];
		const refused = tabs.filter((tab) => tab.refused).length;
		for (const tab of tabs) tab.texts.stop();
		return lost.length > 0 || refused > 0 ? "world " + n + ": " + lost.length + " of " + words.length + " are lost, " + refused + " tabs were refused something" : most > 200 ? "world " + n + ": " + most + " entries" : "";
	}
	return (await Promise.all(Array.from({ length: 20 }, (_, n) => world(n)))).filter(Boolean).slice(0, 5).join("; ") || "good";
})()`

// textsInTurn is given the updates of a document of which Yjs waits for ever for some if it is given them one by one in the order of their keys.
const textsInTurn = `(async (published) => {
	const { texts } = await import("/dashboards/texts.js");
	const read = (parts) => {
		let give;
		const all = texts({ mine: "t", publish: () => Promise.resolve(), changed() {}, failed() {}, read: (onChange) => (give = onChange, { stop() {} }) });
		for (const changed of parts) give({ changed, removed: [] });
		const text = all.read("text");
		all.stop();
		return text;
	};
	const rows = published.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, data]) => ({ key, data }));
	const [whole, inTurn] = [read([rows]), read(rows.map((row) => [row]))];
	return whole === inTurn && whole.length > 100 ? "good" : "in turn: " + inTurn + ", and at once: " + whole;
})(%s)`

// keepsWhatWasWritten tries the texts of the whiteboard.
func keepsWhatWasWritten(t *testing.T, p *tab) {
	t.Helper()
	published, err := os.ReadFile("../yjs/clients/waiting.json")
	if err != nil {
		t.Fatal(err)
	}
	value[any](p, `void (`+fmt.Sprintf(textsInTurn, published)+`.then((said) => (window.inTurn = said), (error) => (window.inTurn = String(error))))`)
	p.waitFor("what became of updates in turn", `window.inTurn`)
	if said := value[string](p, `window.inTurn`); said != "good" {
		t.Error(said)
	}
	value[any](p, `void (`+textsWorlds+`.then((said) => (window.textsSaid = said), (error) => (window.textsSaid = String(error))))`)
	p.waitFor("what became of the texts", `window.textsSaid`)
	if said := value[string](p, `window.textsSaid`); said != "good" {
		t.Error(said)
	}
}
