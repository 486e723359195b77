// A crawl: how far it is, how fast, each page as it has its turn, and why some are not read. Each page is an entry of the channel, and the entry "progress"
// says how far the crawl is; who comes late is given all of them at once.

import { name, one } from "../shell/view.js";
import * as chart from "../widgets/chart.js";
import { search } from "../widgets/controls.js";
import * as facts from "../widgets/facts.js";
import { compact, figure, time } from "../widgets/format.js";
import * as table from "../widgets/table.js";

const marks = { read: "● read", moved: "→ moved", disallowed: "■ disallowed", refused: "▲ refused", failed: "▼ failed" };
const ways = { read: "up", moved: "same", disallowed: "warn", refused: "warn", failed: "down" };
const [shownMs, overMs] = [3 * 60_000, 10_000]; // of the chart, and what a rate is taken over
const why = (r) => r.problem ?? (r.state === "disallowed" ? "the site's robots.txt forbids it" : "");
const short = (url) => url.replace(/^https?:\/\//, "");

export const dashboard = {
  title: "Crawl",
  panels: { progress: "Progress", chart: "Pages a minute", pages: "Pages", unread: "Not read" },
  layout: "c(r(progress*40,chart*60)*38,r(pages*60,unread*40)*62)",
  defaults: { sort: "-at" },
  rules: {
    q: [name, "filter", "nothing is filtered"],
    sort: [one(...["url", "state", "title", "bytes", "ms", "at"].flatMap((id) => [id, `-${id}`])), "column to sort by", "the newest are first"],
  },

  start(page) {
    const { view, setView, panels } = page;
    const channel = page.channel("crawl:");
    const rows = new Map(); // of the crawl that is shown
    const ended = []; // when pages had their turn, oldest first
    let [progress, progressAt] = [null, 0];
    let changed = new Set();
    page.source(channel.note);

    const detail = facts.mount(panels.body("progress"), { facts: [
      { title: "Crawl", text: (r) => (!r.done ? "● running" : r.more ? "▲ ended before everything was read" : "■ done"), way: (r) => (!r.done ? "up" : r.more ? "warn" : "same") },
      { title: "Waiting", text: (r) => figure(r.waiting, 0) }, { title: "Moved", text: (r) => figure(r.moved, 0) },
      { title: "Disallowed", text: (r) => figure(r.disallowed, 0), way: (r) => (r.disallowed > 0 ? "warn" : "same") }, { title: "Refused", text: (r) => figure(r.refused, 0), way: (r) => (r.refused > 0 ? "warn" : "same") },
      { title: "Failed", text: (r) => figure(r.failed, 0), way: (r) => (r.failed > 0 ? "down" : "same") }, { title: "Job", text: (r) => r.job },
    ] });
    const graph = chart.mount(panels.body("chart"), { label: "Pages a minute" });
    const state = { id: "state", title: "State", text: (r) => marks[r.state] ?? r.state, way: (r) => ways[r.state], sort: (r) => r.state };
    const url = { id: "url", title: "Page", text: (r) => short(r.url), sort: (r) => r.url, strong: true };
    const all = table.mount(panels.body("pages"), { caption: "Pages, the newest first", onSort: (sort) => setView({ sort }), columns: [
      url, state, { id: "title", title: "Title", text: (r) => r.title ?? "", sort: (r) => r.title ?? "" },
      { id: "bytes", title: "Bytes", text: (r) => compact(r.bytes), sort: (r) => r.bytes ?? 0, figure: true }, { id: "ms", title: "ms", text: (r) => figure(r.ms, 0), sort: (r) => r.ms ?? 0, figure: true },
      { id: "at", title: "Time", text: (r) => time(r.time), sort: (r) => r.time, figure: true },
    ] });
    const unread = table.mount(panels.body("unread"), { caption: "Pages that were not read, and why", onSort: () => {}, placeholders: 0, columns: [
      url, state, { id: "why", title: "Why", text: why, sort: why },
    ] });
    search(panels.tools("pages"), { label: "Filter by address or title", value: view.q, onInput: (q) => setView({ q }) });

    // rates are those of each second that the chart shows.
    function rates(to) {
      const line = { times: [], values: [], gaps: [] };
      const first = ended[0] ?? to;
      let [from, until] = [0, 0];
      for (let at = Math.max(to - shownMs, first); at <= to; at += 1000) {
        while (until < ended.length && ended[until] <= at) until++;
        while (from < until && ended[from] <= at - overMs) from++;
        line.times.push(at);
        line.values.push((until - from) * (60_000 / overMs));
      }
      return line;
    }
    const frame = page.painter(() => {
      const now = Math.floor(page.serverNow() / 1000) * 1000;
      while (ended.length > 0 && ended[0] < now - shownMs - overMs) ended.shift();
      const stale = () => !page.live();
      const line = rates(now);
      const fast = line.values.at(-1) ?? 0;
      const done = progress && progress.read + progress.moved + progress.disallowed + progress.refused + progress.failed;
      detail.update({ row: progress, title: progress ? "pages, of those that are known" : "Nothing is being crawled", main: progress ? `${figure(done, 0)} of ${figure(done + progress.waiting, 0)}` : "–", stale: stale() });
      graph.update({ ...line, from: now - shownMs, to: now, unit: "pages a minute", decimals: 0, last: fast, live: page.live(), stale: stale() });
      const q = view.q.trim();
      const matches = (r, text) => `${r.url} ${r.title ?? ""}`.toLowerCase().includes(text.toLowerCase());
      const shown = all.update({ rows, changed, now, stale, view: { sort: view.sort, q }, matches, empty: "No page yet. A job comes by the crawler's topic; in the demo, it begins in a second." });
      const left = new Map([...rows].filter(([, { state: is }]) => is !== "read" && is !== "moved"));
      unread.update({ rows: left, changed: new Set([...changed].filter((key) => left.has(key))), now, stale, view: { sort: "state", q: "" }, empty: rows.size > 0 ? "Everything was read so far." : "" });
      panels.title("pages", `Pages (${rows.size})`);
      panels.title("unread", `Not read (${left.size})`);
      page.came(true); // nothing is crawled is something to show
      page.nothingMatches(rows.size > 0 && shown.length === 0 ? view.q : "");
      changed = new Set();
    }, 200);

    const reading = page.read(channel.name, { onChange: ({ changed: next, removed }) => {
      const told = next.find(({ key }) => key === "progress");
      if (told && told.data.job !== progress?.job) {
        for (const [key, row] of rows) if (row.job !== told.data.job) rows.delete(key); // of a crawl before
      }
      if (told) [progress, progressAt] = [told.data, told.time];
      for (const { key, time: at, data, tags } of next) {
        if (key === "progress" || !data?.url || (progress && tags?.job !== progress.job && at < progressAt)) continue; // of a crawl before
        rows.set(key, { key, time: at, job: tags?.job, ...data });
        changed.add(key);
        ended.push(at);
      }
      ended.sort((a, b) => a - b);
      for (const key of removed) rows.delete(key);
      if (told?.data.done) page.announce(`The crawl is done: ${told.data.read} pages were read.`);
      frame.request();
    } });
    const stopTicking = page.every(1000, frame.request);

    return {
      refresh: frame.request,
      repaint: () => graph.repaint(),
      stop() {
        stopTicking();
        frame.stop();
        reading.stop();
        for (const widget of [detail, graph, all, unread]) widget.unmount();
      },
    };
  },
};
