import { catalogue, product } from '../pages.js';
import { expect, ok, test, type Api } from '../test.js';

async function productNames(api: Api): Promise<string[]> {
  const { items } = ok(await api.GET('/api/products', { params: { query: { limit: 100 } } }));
  return items.map((item) => item.name);
}

test('lists the products with their ratings', async ({ page, api }) => {
  const { items } = ok(await api.GET('/api/products', { params: { query: { limit: 24 } } }));
  await page.goto('/');

  await expect(page).toHaveTitle('Products · Ostrakon');
  const { cards } = catalogue(page);
  await expect(cards).toHaveCount(items.length);
  for (const [index, { name, rating }] of items.entries()) {
    const card = cards.nth(index);
    await expect(card).toHaveAccessibleName(new RegExp(`^${name}`));
    // The demo has no product with fewer than two reviews.
    await expect(card).toContainText(`${rating!.average!.toFixed(1)}${rating!.count} reviews`);
  }
});

test('loads more until all products are shown', async ({ page, api }) => {
  const names = await productNames(api);
  await page.goto('/');

  const { cards, more } = catalogue(page);
  for (let shown = 24; shown < names.length; shown += 24) {
    await expect(cards).toHaveCount(shown);
    await more.click();
  }
  await expect(cards).toContainText(names);
  await expect(more).toBeHidden();
});

test('searches while typing, and Back returns to the results', async ({ page, api }) => {
  const found = (await productNames(api)).filter((name) => /teddy/i.test(name));
  await page.goto('/');

  const { search, cards } = catalogue(page);
  await search.pressSequentially('TEDDY');
  await expect(page).toHaveURL('/?search=TEDDY');
  await expect(cards).toContainText(found);
  await expect(cards).toHaveCount(found.length);

  await cards.first().click();
  await expect(product(page).name).toHaveText(found[0]!);
  await page.goBack();
  await expect(search).toHaveValue('TEDDY');
  await expect(cards).toHaveCount(found.length);

  await search.fill('');
  await expect(page).toHaveURL('/');
  await expect(cards).toHaveCount(24);
});

test('explains an empty result', async ({ page }) => {
  await page.goto('/?search=trireme');

  await expect(page.getByRole('heading', { name: 'No products match' })).toBeVisible();
  await page.getByRole('link', { name: 'Clear the search' }).click();
  await expect(page).toHaveURL('/');
  await expect(catalogue(page).cards).toHaveCount(24);
});

test('a search has an address', async ({ page }) => {
  await page.goto('/?search=polka-dotted%20socks');

  const { search, cards } = catalogue(page);
  await expect(cards).toHaveText([/^Polka-dotted socks/]);
  await page.reload();
  await expect(search).toHaveValue('polka-dotted socks');
  await expect(cards).toHaveText([/^Polka-dotted socks/]);
});

test('Back restores the loaded pages and the scroll position', async ({ page }) => {
  await page.goto('/');
  const { cards, more } = catalogue(page);
  await more.click();
  await expect(cards).toHaveCount(48);

  await cards.nth(40).scrollIntoViewIfNeeded();
  const left = await page.evaluate(() => window.scrollY);
  expect(left).toBeGreaterThan(0);
  await cards.nth(40).click();
  await expect(product(page).rating).toBeVisible();
  expect(await page.evaluate(() => window.scrollY)).toBe(0);

  await page.goBack();
  await expect(cards).toHaveCount(48);
  await expect.poll(() => page.evaluate(() => window.scrollY)).toBe(left);
});
