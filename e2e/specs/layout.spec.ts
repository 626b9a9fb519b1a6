// Small screens, large text and forced colours.
import type { Page } from '@playwright/test';

import { ADMIN, signIn } from '../accounts.js';
import { product } from '../pages.js';
import { appStarted, expect, test } from '../test.js';

/** A word that fits on no phone. */
const WORD = 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft';

test.describe('on a phone', () => {
  test.use({ viewport: { width: 390, height: 664 } });

  test('the name, the stars and the first review are on the first two screens', async ({ page }) => {
    await page.goto('/products/1');
    await appStarted(page);
    const { name, rating, reviews } = product(page);
    const bottom = async (part: typeof name) => {
      const box = await part.boundingBox();
      return box!.y + box!.height;
    };
    expect(await bottom(name)).toBeLessThan(664);
    expect(await bottom(rating.getByRole('img'))).toBeLessThan(664);
    expect(await bottom(reviews.first())).toBeLessThan(2 * 664);
  });
});

/** Creates a product, a review and a report whose texts are as long as allowed, without spaces. */
async function withLongTexts(page: Page): Promise<{ product: string; review: string }> {
  const post = async (path: string, data: object) => {
    const answer = await page.request.post(path, { data });
    expect(answer.ok(), `${path}: ${await answer.text()}`).toBe(true);
    return answer;
  };
  const long = WORD.repeat(4);
  const product = await post('/api/admin/products', {
    name: long.slice(0, 255), description: long, sku: 'S'.repeat(64),
  });
  const { id } = await product.json();
  const review = await post(`/api/products/${id}/reviews`, {
    title: long.slice(0, 200), body: long, author_name: 'W'.repeat(40), rating: 3,
  });
  const { id: reviewId } = await review.json();
  await post(`/api/reviews/${reviewId}/reports`, { reason: 'other', note: 'N'.repeat(100) });
  await post('/api/accounts/me/tokens', { name: 'T'.repeat(60), scopes: ['read'] });
  return { product: id, review: reviewId };
}

/** The elements that make the page or an open dialog scroll sideways. */
function tooWide(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const roots = [document.documentElement, ...document.querySelectorAll('dialog[open]')];
    const wide = roots.filter((root) => root.scrollWidth > root.clientWidth + 1);
    return wide.map((root) => `${root.tagName}: ${root.scrollWidth} > ${root.clientWidth}`);
  });
}

test.describe('with long texts', () => {
  // Of the page that does not exist.
  test.use({ expectedComplaints: /status of 404/ });

  for (const [width, text] of [[320, 100], [390, 200], [1280, 200]] as const) {
    test(`nothing scrolls sideways at ${width} px and ${text} % text`, async ({ page }) => {
      test.slow();
      await page.setViewportSize({ width, height: 800 });
      await signIn(page, ADMIN);
      const { product, review } = await withLongTexts(page);
      await page.addInitScript((size) => {
        document.addEventListener('DOMContentLoaded', () => {
          document.documentElement.style.fontSize = `${size}%`;
        });
      }, text);
      const paths = [
        '/', `/products/${product}`, '/products/1', `/reviews/${review}`, '/sign-in',
        '/account', '/account/reviews', '/admin', '/admin/queue', '/admin/reviews',
        `/admin/reviews?product_id=${product}&review=${review}`, '/admin/products', '/admin/accounts',
        '/admin/accounts/1', '/admin/audit', '/admin/databases', '/admin/rebalance', '/nowhere',
      ];
      for (const path of paths) {
        await page.goto(path);
        await appStarted(page);
        await page.waitForLoadState('networkidle');
        if (path.includes('review=')) {
          await expect(page.getByRole('dialog')).toContainText('Bucket');
        }
        expect(await tooWide(page), path).toEqual([]);
      }
    });
  }
});

test('forced colours keep the bars and the active filter visible', async ({ page }) => {
  await page.emulateMedia({ forcedColors: 'active' });
  await page.goto('/products/1?rating=4');
  await appStarted(page);
  const { bar, reviews } = product(page);
  await expect(reviews).toHaveCount(10);
  const colours = await bar(5).evaluate((bar) => {
    const of = (part: string) => getComputedStyle(bar.querySelector(part)!);
    const page = getComputedStyle(document.body).color;
    return { fill: of('.bar-fill').backgroundColor, frame: of('.bar-track').borderTopColor, page };
  });
  expect([colours.fill, colours.frame]).toEqual([colours.page, colours.page]);
  const outline = (stars: number) =>
    bar(stars).evaluate((bar) => getComputedStyle(bar).outlineStyle);
  expect(await outline(4)).toBe('solid');
  expect(await outline(5)).toBe('none');
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`empty stars have a contrast of 3:1, ${colorScheme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme });
    await page.goto('/products/1');
    await appStarted(page);
    const contrasts = await page.evaluate(() => {
      const luminance = (colour: string) => {
        const parts = colour.match(/[\d.]+/g)!.slice(0, 3).map((part) => Number(part) / 255);
        const [r, g, b] = parts.map((part) =>
          part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4,
        );
        return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
      };
      const behind = (element: Element): string => {
        const colour = getComputedStyle(element).backgroundColor;
        const parent = element.parentElement;
        return colour === 'rgba(0, 0, 0, 0)' && parent ? behind(parent) : colour;
      };
      return [...document.querySelectorAll('.stars, .star')].map((stars) => {
        const empty = luminance(getComputedStyle(stars, '::before').backgroundColor);
        const around = luminance(behind(stars));
        return (Math.max(empty, around) + 0.05) / (Math.min(empty, around) + 0.05);
      });
    });
    expect(contrasts.length).toBeGreaterThan(10);
    expect(Math.min(...contrasts)).toBeGreaterThanOrEqual(3);
  });
}
