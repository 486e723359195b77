// What is shown, as a file for a spreadsheet (RFC 4180).

// csv writes columns [{ title, value(row) }] of rows. A cell that a spreadsheet would take for a formula begins with an apostrophe.
export function csv(columns, rows) {
  const cell = (value) => {
    const text = value === undefined || value === null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
    const harmless = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
  };
  return [columns.map(({ title }) => title), ...rows.map((row) => columns.map(({ value }) => value(row)))].map((line) => line.map(cell).join(",")).join("\r\n");
}

// save gives a text to the user as a file.
export function save(name, text) {
  const url = URL.createObjectURL(new Blob([text, "\r\n"], { type: "text/csv" }));
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

// named makes a name of a file of something, with the time.
export const named = (what) => `${what.replace(/[^\p{L}\p{N}]+/gu, "-")}-${new Date().toISOString().slice(0, 19).replace(/:/g, "")}.csv`;
