import { catalogue, product, reviewIds } from '../pages.js';
import { expect, ok, test, type Api } from '../test.js';

const TEDDY = '1';
/** The number of reviews on a page of the list. */
const PAGE = 10;

type ListQuery = { sort?: 'newest' | 'oldest' | 'highest' | 'lowest'; rating?: number };

async function expectedIds(api: Api, limit: number, query: ListQuery = {}): Promise<string[]> {
  const params = { path: { id: TEDDY }, query: { ...query, limit } };
  const { items } = ok(await api.GET('/api/products/{id}/reviews', { params }));
  return items.map((item) => item.id);
}

async function teddyRating(api: Api) {
  const params = { path: { id: TEDDY } };
  return ok(await api.GET('/api/products/{id}/rating', { params }));
}

test('a card leads to the product and its rating', async ({ page, api }) => {
  const rating = await teddyRating(api);
  await page.goto('/');
  await catalogue(page).card('Brown teddy bear').click();

  await expect(page).toHaveURL(`/products/${TEDDY}`);
  await expect(page).toHaveTitle('Brown teddy bear · Ostrakon');
  const teddy = product(page);
  await expect(teddy.name).toHaveText('Brown teddy bear');
  await expect(teddy.rating).toContainText(rating.average!.toFixed(1));
  await expect(teddy.rating).toContainText(`${rating.count} reviews`);
  for (const [index, count] of rating.histogram.entries()) {
    const reviews = `${count} review${count === 1 ? '' : 's'}`;
    await expect(teddy.bar(index + 1)).toHaveAccessibleName(
      `${index + 1} star${index === 0 ? '' : 's'}: ${reviews}`,
    );
  }
});

test('a bar of the histogram leads to the reviews with its rating', async ({ page, api }) => {
  await page.goto(`/products/${TEDDY}`);
  const teddy = product(page);
  await expect(teddy.reviews).toHaveCount(PAGE);

  await teddy.bar(4).click();
  await expect(page).toHaveURL(`/products/${TEDDY}?rating=4`);
  await expect(teddy.bar(4)).toHaveAttribute('aria-current', 'true');
  const fours = await expectedIds(api, PAGE, { rating: 4 });
  await expect.poll(() => reviewIds(teddy.permalinks)).toEqual(fours);
  for (const review of await teddy.reviews.all()) {
    await expect(review.getByRole('img', { name: '4 out of 5 stars' })).toBeVisible();
  }

  await page.reload();
  await expect.poll(() => reviewIds(teddy.permalinks)).toEqual(fours);

  await teddy.showAll.click();
  await expect(page).toHaveURL(`/products/${TEDDY}`);
  await expect.poll(async () => reviewIds(teddy.permalinks)).toEqual(await expectedIds(api, PAGE));
  await page.goBack();
  await expect.poll(() => reviewIds(teddy.permalinks)).toEqual(fours);
});

for (const [label, sort] of [
  ['Oldest', 'oldest'],
  ['Highest rating', 'highest'],
  ['Lowest rating', 'lowest'],
] as const) {
  test(`sorts by ${label}`, async ({ page, api }) => {
    await page.goto(`/products/${TEDDY}`);
    const teddy = product(page);
    await expect(teddy.reviews).toHaveCount(PAGE);

    await teddy.sort.selectOption(label);
    await expect(page).toHaveURL(`/products/${TEDDY}?sort=${sort}`);
    const sorted = await expectedIds(api, PAGE, { sort });
    await expect.poll(() => reviewIds(teddy.permalinks)).toEqual(sorted);
    await page.reload();
    await expect.poll(() => reviewIds(teddy.permalinks)).toEqual(sorted);
    await expect(teddy.sort.getByRole('option', { selected: true })).toHaveText(label);
  });
}

test('loads more reviews with the chosen filter and order', async ({ page, api }) => {
  await page.goto(`/products/${TEDDY}?sort=lowest&rating=5`);
  const teddy = product(page);
  for (const pages of [1, 2, 3]) {
    const expected = await expectedIds(api, pages * PAGE, { sort: 'lowest', rating: 5 });
    await expect.poll(() => reviewIds(teddy.permalinks)).toEqual(expected);
    await teddy.more.click();
  }
});

test('Back restores the loaded reviews and the scroll position', async ({ page }) => {
  await page.goto(`/products/${TEDDY}`);
  const teddy = product(page);
  await teddy.more.click();
  await expect(teddy.reviews).toHaveCount(2 * PAGE);

  await teddy.permalinks.nth(15).scrollIntoViewIfNeeded();
  const left = await page.evaluate(() => window.scrollY);
  expect(left).toBeGreaterThan(0);
  await teddy.permalinks.nth(15).click();
  await expect(page).toHaveURL(/\/reviews\//);

  await page.goBack();
  await expect(teddy.reviews).toHaveCount(2 * PAGE);
  await expect.poll(() => page.evaluate(() => window.scrollY)).toBe(left);
});
