// Reads the commands of a page: fenced blocks, marked `sh run` (a command), `sh run background` (one that stays), and
// `text output` or `json output` (what the command before it prints, with `…` where it differs each time).

import { readFile } from "node:fs/promises";

const FENCE = /^```(\w*)[ ]?([\w ]*)\n([\s\S]*?)^```$/gm;

/** The commands of a page in their order, each with the line that it stands on and what it should print. */
export async function commands(file) {
  const text = await readFile(file, "utf8");
  const found = [];
  for (const { 1: language, 2: marks, 3: body, index } of text.matchAll(FENCE)) {
    const words = marks.split(" ");
    const line = text.slice(0, index).split("\n").length;
    if (language === "sh" && words[0] === "run") found.push({ line, body, background: words.includes("background") });
    if (words[0] === "output") found.at(-1).output = body;
  }
  return found;
}

/** Whether what was printed is what the page says. */
export function fits(printed, promised) {
  const literal = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const pattern = promised.trim().split("…").map(literal).join("[\\s\\S]*?");
  return new RegExp(`^${pattern}$`).test(printed.trim());
}
