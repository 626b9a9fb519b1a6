// The server renders pages before the app has loaded. Users see no change when the app replaces them.
import type { Page } from '@playwright/test';

import { catalogue, product } from '../pages.js';
import { expect, test } from '../test.js';

/** Opens a page whose app loads only when the returned function is called. */
async function openWithoutApp(page: Page, address: string): Promise<() => void> {
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  await page.route('**/*.wasm', async (route) => {
    await released;
    await route.continue();
  });
  await page.goto(address, { waitUntil: 'commit' });
  // The content has arrived, and the style that gives it its layout.
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await page.waitForFunction(() => document.styleSheets.length > 0);
  return release;
}

function scrolled(page: Page): Promise<number> {
  return page.evaluate(() => Math.round(window.scrollY));
}

/** Scrolls as a user does: the app learns of it from the browser only. */
async function scrollTo(page: Page, y: number): Promise<number> {
  await page.evaluate((y) => window.scrollTo(0, y), y);
  return scrolled(page);
}

test('a product page keeps its focus and scroll position', async ({ page }) => {
  // A screen so low that the page does not fit.
  await page.setViewportSize({ width: page.viewportSize()!.width, height: 400 });
  const release = await openWithoutApp(page, '/products/1');
  const { bar, reviews, form } = product(page);
  await expect(bar(3)).toBeVisible();
  await expect(reviews).toHaveCount(0);
  await bar(3).focus();
  const y = await scrollTo(page, 120);
  expect(y).toBe(120);

  release();
  await expect(reviews).toHaveCount(10);
  await expect(form.post).toBeAttached();
  await expect(bar(3)).toBeFocused();
  expect(await scrolled(page)).toBe(y);
  // The height is fixed only during the replacement.
  await expect(page.getByRole('main')).toHaveCSS('min-height', /^(auto|0px)$/);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL('/products/1?rating=3');
});

test('the catalogue keeps its focus and scroll position', async ({ page }) => {
  const release = await openWithoutApp(page, '/');
  const { card, more } = catalogue(page);
  const last = page.getByRole('main').getByRole('list', { name: 'Products' }).getByRole('link').nth(20);
  const name = await last.innerText();
  await last.focus();
  const y = await scrolled(page);
  expect(y).toBeGreaterThan(0);

  release();
  await expect(more).toBeVisible();
  await expect(last).toBeFocused();
  expect(await last.innerText()).toBe(name);
  expect(await scrolled(page)).toBe(y);
  await expect(card('Brown teddy bear')).not.toBeFocused();
});

test('the focus is not restored after it has left the content', async ({ page }) => {
  const release = await openWithoutApp(page, '/');
  const link = page.getByRole('banner').getByRole('link', { name: 'Products' });
  await page.getByRole('main').getByRole('link').first().focus();
  await link.focus();
  release();
  await expect(catalogue(page).more).toBeVisible();
  await expect(link).toBeFocused();
});

test('a page without preloaded responses keeps its focus and scroll position', async ({ page }) => {
  await page.route('**/api/products/1?*', async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 300));
    await route.continue();
  });
  await page.addInitScript(() => {
    // As if the page came from the browser's history: its preloaded responses may be outdated.
    const entries = performance.getEntriesByType.bind(performance);
    performance.getEntriesByType = (type) => (type === 'navigation' ? [] : entries(type));
  });
  await page.setViewportSize({ width: page.viewportSize()!.width, height: 400 });
  const release = await openWithoutApp(page, '/products/1');
  const { bar, reviews } = product(page);
  await bar(3).focus();
  const y = await scrollTo(page, 120);
  release();
  await expect(reviews).toHaveCount(10);
  await expect(bar(3)).toBeFocused();
  expect(await scrolled(page)).toBe(y);
});

/**
 * The outline of an element: tags, classes, names, links and texts. It leaves out pictures, which the
 * app loads, and the content of stars; the filled part of a bar is given by its size.
 */
function outline(element: Element): string {
  const lines: string[] = [];
  const walk = (element: Element, depth: number) => {
    const classes = [...element.classList].sort();
    const isFill = classes.includes('bar-fill');
    const attributes = ['href', 'role', 'dir', 'id', 'aria-label', 'aria-labelledby', 'aria-hidden']
      .filter((name) => element.hasAttribute(name))
      .map((name) => `${name}=${element.getAttribute(name)}`);
    const own = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
    const text = own.map((node) => node.textContent).join('').trim();
    const { width, height } = element.getBoundingClientRect();
    const drawn = isFill
      ? ['fill', ...classes, Math.round(width), Math.round(height)]
      : [element.localName, ...classes, ...attributes, text];
    lines.push('  '.repeat(depth) + drawn.join(' ').trimEnd());
    if (isFill || classes.includes('stars')) return;
    for (const child of element.children) {
      if (!child.matches('.picture')) walk(child, depth + 1);
    }
  };
  walk(element, 0);
  return lines.join('\n');
}

for (const [address, selectors] of [
  ['/', ['h1', '.cards']],
  ['/products/1', ['h1', '.lead', '.rating', '.product-write']],
] as const) {
  test(`${address}: the app renders the same as the server`, async ({ page }) => {
    const release = await openWithoutApp(page, address);
    const outlines = () => Promise.all(
      selectors.map((selector) => page.locator(`main ${selector}`).first().evaluate(outline)),
    );
    const before = await outlines();
    release();
    await expect(page.getByRole('button', { name: /^(Load more products|Post review)$/ })).toBeVisible();
    expect(await outlines()).toEqual(before);
  });
}
