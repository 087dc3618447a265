// Every page: readable for everybody, in light and dark, on a phone.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { accessibilityFaults } from "./harness/browser.mjs";
import { tour } from "./harness/tour.mjs";
import { walk } from "./harness/world.mjs";

const PHONE = { width: 360, height: 740 };
const DESKTOP = { width: 1180, height: 820 };

/** Set AYB_TEST_SCREENSHOTS to have a picture of every page in the build folder. */
const PICTURES = process.env.AYB_TEST_SCREENSHOTS && fileURLToPath(new URL("../../target/screenshots", import.meta.url));

async function picture(page, name) {
  if (!PICTURES) return;
  await mkdir(PICTURES, { recursive: true });
  await page.screenshot({ path: `${PICTURES}/${name}.png`, fullPage: true, animations: "disabled" });
}

/** How light the page's background is, from 0 to 255. */
const lightness = (page) =>
  page.evaluate(() => {
    const [red, green, blue] = getComputedStyle(document.body).backgroundColor.match(/[\d.]+/g).map(Number);
    return (red + green + blue) / 3;
  });

const colours = { light: (value) => value > 200, dark: (value) => value < 60 };

test("every page is accessible in light and dark", walk({ viewport: DESKTOP }, async (_, page) => {
  const faults = [];
  await tour(page, async (name) => {
    for (const [colorScheme, fits] of Object.entries(colours)) {
      await page.emulateMedia({ colorScheme });
      faults.push(...(await accessibilityFaults(page)).map((fault) => `${name}, ${colorScheme}: ${fault}`));
      if (!fits(await lightness(page))) faults.push(`${name} is not ${colorScheme}`);
      await picture(page, `${name}-${colorScheme}`);
    }
  });
  assert.deepEqual(faults, []);
}));

test("every page fits a phone without scrolling sideways", walk({ viewport: PHONE, isMobile: true, hasTouch: true }, async (_, page) => {
  const faults = [];
  await tour(page, async (name) => {
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    if (width > PHONE.width) faults.push(`${name} is ${width} wide`);
    await picture(page, `${name}-phone`);
  });
  assert.deepEqual(faults, []);
}));
