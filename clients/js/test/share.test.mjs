// Tabs that share a socket, in a world of their own (share.mjs).
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

test("whatever becomes of the tabs that share a socket, each sees everything once and in order", () => {
  const { status, stderr, stdout } = spawnSync(process.execPath, [new URL("share.mjs", import.meta.url).pathname], { encoding: "utf8" });
  assert.equal(status, 0, stderr + stdout);
});
