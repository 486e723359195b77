// Writes the reference of the client from its types: docs/client.md.
//
//   node clients/js/reference.mjs          writes it
import { readFileSync, writeFileSync } from "node:fs";

const page = new URL("../../docs/client.md", import.meta.url);

/** The text of a doc comment, in one line. */
const textOf = (comment) => comment.map((line) => line.replace(/^\s*(\/\*\*|\*\/|\*)?\s?/, "").replace(/\s*\*\/$/, "")).join(" ").trim().replace(/\s+/g, " ");
const cell = (text) => text.replaceAll("|", "\\|");

/** Splits lines into declarations, each with its comment. `ends` tells whether a declaration is complete. */
function* split(lines, ends) {
  let comment = [], code = [];
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i];
    if (code.length === 0 && /^\s*\/\*\*/.test(line)) {
      for (comment = [line]; !lines[i].includes("*/"); comment.push(lines[++i]));
    } else if (code.length || line.trim()) {
      code.push(line);
      if (!ends(code)) continue;
      yield { about: textOf(comment), code };
      [comment, code] = [[], []];
    }
  }
}

const open = (code) => [...code.join("\n").replace(/\/\*\*.*?\*\//gs, "").replace(/=>/g, "")].reduce((depth, c) => depth + ("{([".includes(c) ? 1 : "})]".includes(c) ? -1 : 0), 0);
const whole = (code) => open(code) <= 0 && /[;}]$/.test(code.at(-1).replace(/\s*\/\/.*$/, "").trimEnd());

function* sections(source) {
  for (const { about, code } of split(source.split("\n"), whole)) {
    const [, kind, name] = /^(?:export )?(class|interface|function|type|const) (\w+)/.exec(code[0]) ?? [];
    if (!name || !code[0].startsWith("export ")) continue;
    yield `### ${name}\n\n${about ? `${about}\n\n` : ""}`;
    if ((kind === "class" || kind === "interface") && code.length > 1) {
      yield `\`${code[0].replace(/^export /, "").replace(/ \{$/, "")}\`\n\n| member | |\n| --- | --- |\n`;
      for (const member of split(code.slice(1, -1).map((line) => line.replace(/^ {2}/, "")), whole)) {
        const text = textOf(member.code.map((line) => line.replace(/\/\*\*.*?\*\//g, ""))).replace(/;$/, ""), quote = text.includes("`") ? "``" : "`";
        yield `| ${quote}${cell(text)}${quote} | ${cell(member.about)} |\n`;
      }
      yield "\n";
    } else yield `\`\`\`ts\n${code.join("\n").replace(/^export /, "")}\n\`\`\`\n\n`;
  }
}

export const reference = () => `# Reference of the browser client

This page is for people who write a page or a program with [clients/js](../clients/js/README.md), which explains what is listed here. It is made from \`tidewire.d.ts\` by
\`node clients/js/reference.mjs\`; a test keeps it equal.

${[...sections(readFileSync(new URL("tidewire.d.ts", import.meta.url), "utf8"))].join("").trimEnd()}
`;

if (process.argv[1] === new URL(import.meta.url).pathname) writeFileSync(page, reference());
