import type { Locator, Page } from '@playwright/test';

import { catalogue, product } from '../pages.js';
import { expect, test } from '../test.js';

/** Presses Tab until the target has the focus, and checks that each focused element is visible. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  await expect(target).toBeAttached();
  const tried: string[] = [];
  for (let presses = 0; presses < 100; presses++) {
    await page.keyboard.press('Tab');
    const focused = page.locator(':focus');
    tried.push(await focused.evaluate((element) => element.outerHTML.slice(0, 60)));
    await expect(focused, 'the focus is on the screen').toBeInViewport();
    if (await target.evaluate((element) => element === document.activeElement)) return;
  }
  throw new Error(`Tab does not reach ${target}, only\n${tried.join('\n')}`);
}

test('browse, search, filter, write and read by keyboard only', async ({ page }) => {
  await page.goto('/');
  const { search, card } = catalogue(page);
  const teddy = product(page);
  const { form } = teddy;

  await tabTo(page, search);
  await page.keyboard.type('teddy');
  await expect(page).toHaveURL('/?search=teddy');
  await tabTo(page, card('Brown teddy bear'));
  await page.keyboard.press('Enter');
  await expect(teddy.name).toHaveText('Brown teddy bear');

  await tabTo(page, teddy.bar(3));
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/rating=3/);
  await tabTo(page, teddy.showAll);
  await page.keyboard.press('Enter');
  await expect(page).not.toHaveURL(/rating/);

  await tabTo(page, form.stars('No rating'));
  await page.keyboard.press('ArrowRight');
  await expect(form.stars('1 star')).toBeChecked();
  for (const stars of ['2 stars', '3 stars', '4 stars']) {
    await page.keyboard.press('ArrowRight');
    await expect(form.stars(stars)).toBeChecked();
    await expect(form.stars(stars)).toBeFocused();
  }
  await tabTo(page, form.title);
  await page.keyboard.type('By hand');
  await tabTo(page, form.body);
  await page.keyboard.type('Every key was a pleasure.');
  await tabTo(page, form.post);
  await page.keyboard.press('Enter');
  await expect(form.status).toHaveText('Your review has been posted.');

  const mine = teddy.reviews.first();
  await expect(mine).toBeFocused();
  await expect(mine).toContainText('Every key was a pleasure.');
  await expect(mine.getByRole('img', { name: '4 out of 5 stars' })).toBeVisible();
  await tabTo(page, teddy.permalinks.first());
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('By hand');
});
