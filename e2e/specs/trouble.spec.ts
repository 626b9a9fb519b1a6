import { catalogue, product, reviewIds } from '../pages.js';
import { expect, ok, test } from '../test.js';

const TEDDY = '1';

test.describe('what is not there', () => {
  test.use({ expectedComplaints: /status of 40[04]/ });

  for (const [address, heading] of [
    ['/nonsense', 'Page not found'],
    ['/products', 'Page not found'],
    ['/products/1/nonsense', 'Page not found'],
    ['/products/999999', 'No such product'],
    ['/products/abc', 'No such product'],
    ['/reviews/0000000000001', 'No such review'],
    ['/reviews/nonsense', 'No such review'],
  ] as const) {
    test(`${address}: ${heading}`, async ({ page }) => {
      await page.goto(address);
      await expect(page.getByRole('heading', { level: 1 })).toHaveText(heading);
      await expect(page).toHaveTitle(`${heading} · Ostrakon`);
      await page.getByRole('main').getByRole('link', { name: 'See all products' }).click();
      await expect(catalogue(page).cards).toHaveCount(24);
    });
  }
});

test.describe('a server that fails', () => {
  test.use({ expectedComplaints: /status of 500/ });

  for (const [address, path, content] of [
    ['/', '/api/products', 'Polka-dotted socks'],
    [`/products/${TEDDY}`, `/api/products/${TEDDY}`, 'Brown teddy bear'],
    [`/products/${TEDDY}`, `/api/products/${TEDDY}/reviews`, 'Permalink'],
  ] as const) {
    test(`${address} without ${path}: says so and tries again`, async ({ page }) => {
      const api = (url: URL) => url.pathname === path;
      await page.route(api, (route) =>
        route.fulfill({
          status: 500,
          contentType: 'application/problem+json',
          json: {
            type: '/problems/internal',
            title: 'Internal error',
            status: 500,
            detail: 'A potter dropped something.',
            code: 'internal',
            request_id: '0194e2f0-6d4a-7a3b-9c1d-2f4e5a6b7c8d',
          },
        }),
      );
      await page.goto(address);
      await expect(page.getByRole('alert')).toContainText('A potter dropped something.');
      await page.unroute(api);
      await page.getByRole('button', { name: 'Try again' }).click();
      await expect(page.getByRole('main').getByText(content).first()).toBeVisible();
      await expect(page.getByRole('alert')).toBeHidden();
    });
  }
});

test.describe('a server that is away', () => {
  test.use({ expectedComplaints: /ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET/ });

  test('what is loaded stays, the rest can be tried again', async ({ page, server }) => {
    await page.goto('/');
    const { cards, more } = catalogue(page);
    await expect(cards).toHaveCount(24);
    await server.stop();

    await more.click();
    await expect(page.getByRole('alert')).toContainText('can’t be reached');
    await expect(cards).toHaveCount(24);
    await server.start();
    await page.getByRole('button', { name: 'Try again' }).click();
    await expect(cards).toHaveCount(48);

    await server.stop();
    await catalogue(page).card('Brown teddy bear').click();
    await expect(page.getByRole('alert')).toContainText('can’t be reached');
    await server.start();
    await page.getByRole('button', { name: 'Try again' }).click();
    await expect(product(page).name).toHaveText('Brown teddy bear');
  });

  test('what was posted before is there after', async ({ page, server }) => {
    await page.goto(`/products/${TEDDY}`);
    const { form, permalinks, reviews } = product(page);
    await form.body.fill('Set in clay.');
    await form.post.click();
    await expect(form.status).toHaveText('Your review is posted.');
    const [posted] = await reviewIds(permalinks);

    await server.stop();
    await server.start();
    await page.reload();
    await expect(reviews.first()).toContainText('Set in clay.');
    expect((await reviewIds(permalinks))[0]).toBe(posted);
  });
});

test('a partial answer is called one', async ({ page, api }) => {
  const params = { query: { limit: 24 } };
  const products = ok(await api.GET('/api/products', { params }));
  await page.route('**/api/products?*', (route) =>
    route.fulfill({
      json: {
        ...products,
        items: products.items.map((item) => ({ ...item, rating: null })),
        missing_databases: ['reviews-2'],
      },
    }),
  );
  await page.goto('/');
  await expect(page.getByText('Some ratings can')).toContainText('reviews-2 is not answering');
  await expect(catalogue(page).cards.first()).toContainText('Rating not available');

  await page.route(`**/api/products/${TEDDY}/reviews?*`, async (route) => {
    const response = await route.fetch();
    const missing_databases = ['reviews-1', 'reviews-3'];
    await route.fulfill({ response, json: { ...(await response.json()), missing_databases } });
  });
  await page.goto(`/products/${TEDDY}`);
  await expect(page.getByText('Some reviews can')).toContainText(
    'reviews-1 and reviews-3 are not answering',
  );
  await expect(product(page).reviews).toHaveCount(10);
});
