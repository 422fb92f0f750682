// Opens each page that it is given in a headless Chromium: does it show, without an
// error and without asking anybody for anything; can it be read and used on a phone,
// by keyboard and by those who see less; can it be printed.
//
//   node check.mjs PAGE.html... [--screenshots FOLDER]
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

const { values, positionals: pages } = parseArgs({ allowPositionals: true, options: { screenshots: { type: "string" } } });
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
if (!existsSync(executablePath)) {
  console.error(`there is no ${executablePath}: install Debian's package chromium, or set CHROMIUM`);
  process.exit(1);
}
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// The sizes of a laptop, a tablet and a phone; and the narrowest that WCAG 1.4.10 asks for.
const sizes = { wide: [1440, 900], middle: [820, 1180], narrow: [390, 844], least: [320, 640] };
const smallestText = 9.5; // pixels, in a picture as it is shown

const problems = [];
const browser = await chromium.launch({
  executablePath,
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

for (const file of pages) {
  const name = basename(file, ".html");
  const wrong = (what) => problems.push(`${name}: ${what}`);
  const open = async (size, colorScheme) => {
    const [width, height] = sizes[size];
    const context = await browser.newContext({ viewport: { width, height }, colorScheme, offline: true });
    const page = await context.newPage();
    page.on("console", (message) => ["error", "warning"].includes(message.type()) && wrong(`console, ${size} ${colorScheme}: ${message.text()}`));
    page.on("pageerror", (error) => wrong(`script, ${size} ${colorScheme}: ${error.message}`));
    page.on("dialog", (dialog) => { wrong(`a script of the declaration ran: ${dialog.message()}`); return dialog.dismiss(); });
    page.on("request", (request) => /^(?:file|data):/.test(request.url()) || wrong(`asks for ${request.url()}`));
    await page.goto(pathToFileURL(resolve(file)).href);
    return { page, close: () => context.close() };
  };

  for (const size of Object.keys(sizes)) {
    const { page, close } = await open(size, "light");
    const found = await page.evaluate(({ smallestText }) => {
      const box = (element) => element.getBoundingClientRect();
      const shown = (element) => element.checkVisibility() && box(element).width > 0;
      const pictures = [...document.querySelectorAll("svg.picture")].filter(shown);
      return {
        title: document.title,
        beyond: document.documentElement.scrollWidth - document.documentElement.clientWidth,
        pictures: pictures.length,
        small: pictures.flatMap((picture) => {
          const scale = box(picture).width / picture.viewBox.baseVal.width;
          const texts = [...picture.querySelectorAll("text")].map((text) => parseFloat(getComputedStyle(text).fontSize) * scale);
          return texts.some((pixels) => pixels < smallestText) ? [`${picture.getAttribute("aria-label").slice(0, 40)}… at ${Math.min(...texts).toFixed(1)} px`] : [];
        }),
        // A text that is wider than its box would lie over what is beside it.
        spilled: pictures.flatMap((picture) => [...picture.querySelectorAll(".node")].flatMap((node) => {
          const around = box(node.querySelector("rect"));
          return [...node.querySelectorAll("text")].filter((text) => box(text).right > around.right + 1).map((text) => text.textContent);
        })),
      };
    }, { smallestText });
    if (!found.title || !found.pictures) wrong(`${size}: nothing is shown`);
    if (found.beyond > 0) wrong(`${size}: the page scrolls sideways by ${found.beyond} px`);
    for (const picture of found.small) wrong(`${size}: text is too small to read: ${picture}`);
    for (const text of found.spilled) wrong(`${size}: text leaves its box: ${text}`);
    if (values.screenshots) {
      mkdirSync(values.screenshots, { recursive: true });
      await page.screenshot({ path: join(values.screenshots, `${name}-${size}.png`) });
      await page.screenshot({ path: join(values.screenshots, `${name}-${size}-full.png`), fullPage: true });
    }
    await close();
  }

  // Those who see less, and those who hear the page: WCAG 2.2 A and AA, everything open.
  for (const [size, scheme] of [["wide", "light"], ["narrow", "dark"]]) {
    const { page, close } = await open(size, scheme);
    await page.evaluate(() => { for (const details of document.querySelectorAll("details")) details.open = true; });
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
    for (const { id, nodes } of violations) wrong(`${size} ${scheme}: ${id} at ${nodes.slice(0, 3).map((node) => node.target.join(" ")).join(", ")}${nodes.length > 3 ? ` and ${nodes.length - 3} more` : ""}`);
    if (values.screenshots && scheme === "dark") await page.screenshot({ path: join(values.screenshots, `${name}-${size}-dark.png`) });
    await close();
  }

  await keyboard(await open("wide", "light"), wrong);
  await print(await open("wide", "dark"), wrong, name);
}

// keyboard goes through the page by the tab key alone.
async function keyboard({ page, close }, wrong) {
  const focused = () => page.evaluate(() => {
    const element = document.activeElement;
    const ring = getComputedStyle(element.matches("svg a") ? element.querySelector("rect") : element);
    return { number: element.dataset?.number ?? null, visible: element.matches("svg a") ? parseFloat(ring.strokeWidth) >= 3 : ring.outlineStyle !== "none" };
  });
  const wanted = await page.evaluate(() => {
    const all = [...document.querySelectorAll("a[href], button, input, summary, [tabindex='0']")].filter((element) => element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length > 0);
    all.forEach((element, i) => { element.dataset.number = i; });
    return all.length;
  });
  const reached = new Set();
  for (let i = 0; i < wanted + 2; i++) {
    await page.keyboard.press("Tab");
    const { number, visible } = await focused();
    if (number === null) break; // the end of the page
    if (!visible) wrong(`keyboard: nobody sees that ${await page.evaluate(() => document.activeElement.outerHTML.slice(0, 80))} is reached`);
    reached.add(number);
  }
  if (reached.size !== wanted) wrong(`keyboard: ${reached.size} of ${wanted} controls are reached`);

  await page.reload();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  if (new URL(page.url()).hash !== "#main") wrong("keyboard: the first thing reached does not lead to the content");
  const costs = () => page.evaluate(() => document.querySelector(".figures .big:not([hidden])").textContent);
  const before = await costs();
  await page.focus("#load");
  await page.keyboard.press("ArrowRight");
  if (await costs() === before) wrong("keyboard: the slider does not change the costs");
  const link = page.locator("svg.picture.wide a").first();
  if (await link.count() > 0) {
    const href = await link.getAttribute("href");
    await link.focus();
    await page.keyboard.press("Enter");
    if (new URL(page.url()).hash !== href) wrong(`keyboard: Enter on the picture does not lead to ${href}`);
  }
  await close();
}

// print makes a PDF: everything is open, light, and nothing is cut off at the edge.
async function print({ page, close }, wrong, name) {
  const pdf = await page.pdf({ format: "A4", path: values.screenshots ? join(values.screenshots, `${name}.pdf`) : undefined, margin: { top: "12mm", bottom: "12mm", left: "12mm", right: "12mm" } });
  if (!pdf.subarray(0, 5).equals(Buffer.from("%PDF-")) || pdf.length < 20_000) wrong("print: there is no document");
  await page.emulateMedia({ media: "print" });
  await page.setViewportSize({ width: 703, height: 1000 }); // A4 between those margins
  const cut = await page.evaluate(() => {
    dispatchEvent(new Event("beforeprint"));
    const width = document.documentElement.clientWidth;
    return {
      beyond: [...document.querySelectorAll("svg.picture, table, pre")].filter((element) => element.checkVisibility() && element.getBoundingClientRect().right > width + 1).map((element) => element.outerHTML.slice(0, 80)),
      closed: document.querySelectorAll("details:not([open])").length,
      back: getComputedStyle(document.body).backgroundColor,
    };
  });
  for (const element of cut.beyond) wrong(`print: cut off at the edge: ${element}`);
  if (cut.closed > 0) wrong(`print: ${cut.closed} parts stay closed`);
  if (cut.back !== "rgb(255, 255, 255)") wrong(`print: on ${cut.back}`);
  await close();
}

await browser.close();
if (problems.length > 0) {
  console.error(problems.join("\n"));
  process.exit(1);
}
console.log(`${pages.length} pages: shown, quiet, usable and printable`);
