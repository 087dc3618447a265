// Chromium, and a watch over everything it complains about.

import assert from "node:assert/strict";
import { accessSync } from "node:fs";
import axe from "axe-core";
import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export async function startBrowser() {
  const executablePath = process.env.AYB_TEST_CHROMIUM ?? "/usr/bin/chromium";
  accessSync(executablePath);
  return chromium.launch({ executablePath, args: FLAGS });
}

/** A browser window of one person: cookies of its own, one page to begin with, and a list of complaints. */
export class Visitor {
  #complaints = [];
  #expected = [];
  #documents = new Set();

  static async open(browser, options = {}) {
    const context = await browser.newContext({ reducedMotion: "reduce", ...options });
    context.setDefaultTimeout(10_000);
    const visitor = new Visitor(context);
    visitor.page = await context.newPage();
    return visitor;
  }

  constructor(context) {
    this.context = context;
    context.on("response", (response) => {
      if (response.request().isNavigationRequest()) this.#documents.add(response.url());
      if (response.status() >= 500) this.#complaints.push(`${response.status()} from ${response.url()}`);
    });
    context.on("weberror", (error) => this.#complaints.push(`uncaught: ${error.error()}`));
    context.on("console", (message) => this.#listen(message));
  }

  /** A test that provokes a complaint of the browser says so; a complaint that does not come is a failure too. */
  expects(pattern) {
    this.#expected.push(pattern);
  }

  #listen(message) {
    if (!["error", "warning"].includes(message.type())) return;
    // The browser also complains about pages that are themselves the answer 4xx; tests look at those pages.
    const isStatus = message.text().startsWith("Failed to load resource: the server responded with a status of 4");
    if (isStatus && this.#documents.has(message.location().url)) return;
    this.#complaints.push(message.text());
  }

  /** Closes the window. Nothing may have been complained about: no console error, no policy violation, no crash. */
  async close() {
    await this.context.close();
    const matches = (complaint) => this.#expected.some((pattern) => pattern.test(complaint));
    assert.deepEqual(this.#complaints.filter((complaint) => !matches(complaint)), []);
    for (const pattern of this.#expected) {
      assert.ok(this.#complaints.some((complaint) => pattern.test(complaint)), `no complaint like ${pattern}`);
    }
  }
}

/** What axe finds on the page that a person with a disability would stumble over. */
export async function accessibilityFaults(page) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => globalThis.axe.run({ resultTypes: ["violations"] }));
  return violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map((node) => node.html).join(" | ")}`);
}
