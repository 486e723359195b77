// Runs model.mjs: random scenarios after which the client always comes back.
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";

test("after whatever happens the client comes back, unless a person has decided otherwise", async (t) => {
  const { stdout } = await promisify(execFile)(process.execPath, [new URL("model.mjs", import.meta.url).pathname]);
  t.diagnostic(stdout.trim());
});
