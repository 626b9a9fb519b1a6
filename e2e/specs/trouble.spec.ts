import { ADMIN, signIn, signUp } from '../accounts.js';
import { catalogue, header, product, reviewIds } from '../pages.js';
import { appStarted, expect, ok, test, withoutPreloadedResponses } from '../test.js';

const TEDDY = '1';

test.describe('a page that is not found', () => {
  test.use({ expectedComplaints: /status of 40[04]/ });

  for (const [address, heading] of [
    ['/nonsense', 'Page not found'],
    ['/products', 'Page not found'],
    ['/products/1/nonsense', 'Page not found'],
    ['/account/nonsense', 'Page not found'],
    ['/admin/nonsense', 'Page not found'],
    ['/products/999999', 'Product not found'],
    ['/products/abc', 'Product not found'],
    ['/reviews/0000000000001', 'Review not found'],
    ['/reviews/nonsense', 'Review not found'],
  ] as const) {
    test(`${address}: ${heading}`, async ({ page }) => {
      const answer = await page.goto(address);
      expect(answer!.status()).toBe(404);
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
    test(`${address} without ${path}: shows the error and retries`, async ({ page }) => {
      await withoutPreloadedResponses(page);
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

test.describe('on admin pages, a server that fails', () => {
  test.use({ expectedComplaints: /status of 500/ });

  for (const [address, path, content] of [
    ['/account/reviews', '/api/accounts/me/reviews', 'You have not reviewed'],
    ['/admin', '/api/admin/overview', 'Reviews per day'],
    ['/admin/queue', '/api/moderation/queue', '16 reviews in the queue'],
    ['/admin/reviews', '/api/admin/reviews', 'Select all'],
    ['/admin/products', '/api/admin/products', 'Brown teddy bear'],
    ['/admin/accounts', '/api/admin/accounts', 'created'],
    ['/admin/audit', '/api/admin/audit', '127.0.0.1'],
    ['/admin/databases', '/api/databases', 'SQLite'],
    ['/admin', '/api/session', 'Reviews per day'],
  ] as const) {
    test(`${address} without ${path}: shows the error and retries`, async ({ page }) => {
      await signIn(page, ADMIN);
      const api = (url: URL) => url.pathname === path;
      await page.route(api, (route) => route.fulfill({ status: 500, body: 'Not ours.' }));
      await page.goto(address);
      await expect(page.getByRole('alert')).toContainText('status 500');
      await page.unroute(api);
      await page.getByRole('button', { name: 'Try again' }).click();
      await expect(page.getByRole('main').getByText(content).first()).toBeVisible();
      await expect(page.getByRole('alert')).toHaveCount(0);
    });
  }
});

test.describe('a session that cannot be loaded', () => {
  test.use({ expectedComplaints: /status of 500/ });

  test('does not prevent reading and writing', async ({ page }) => {
    await page.route('**/api/session', (route) => route.fulfill({ status: 500, body: '' }));
    await page.goto(`/products/${TEDDY}`);
    await expect(header(page).signIn).toBeVisible();
    await product(page).form.body.fill('All the same.');
    await product(page).form.post.click();
    await expect(product(page).form.status).toHaveText('Your review has been posted.');
  });
});

test.describe('a form that is refused', () => {
  test.use({ expectedComplaints: /ERR_FAILED/ });

  test('shows the error and keeps the input', async ({ page }) => {
    await signUp(page, 'aspasia');
    await page.goto('/account');
    const form = page.getByRole('form', { name: 'New API token' });
    await form.getByLabel('Name').fill('import script');
    await page.route('**/api/accounts/me/tokens', (route) => route.abort());
    await form.getByRole('button', { name: 'Create token' }).click();
    await expect(form.getByRole('alert')).toContainText('can’t be reached');
    await expect(form.getByLabel('Name')).toHaveValue('import script');
  });
});

test.describe('when the server is down', () => {
  test.use({ expectedComplaints: /ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET/ });

  test('loaded content stays, and failed requests can be retried', async ({ page, server }) => {
    await page.goto('/');
    const { cards, more } = catalogue(page);
    await expect(cards).toHaveCount(24);
    await appStarted(page);
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

  test('posted reviews survive a restart', async ({ page, server }) => {
    await page.goto(`/products/${TEDDY}`);
    const { form, permalinks, reviews } = product(page);
    await form.body.fill('Set in clay.');
    await form.post.click();
    await expect(form.status).toHaveText('Your review has been posted.');
    const [posted] = await reviewIds(permalinks);

    await server.stop();
    await server.start();
    await page.reload();
    await expect(reviews.first()).toContainText('Set in clay.');
    expect((await reviewIds(permalinks))[0]).toBe(posted);
  });
});

test('a list names a missing database once, even if several pages lack it', async ({ page }) => {
  await page.route(`**/api/products/${TEDDY}/reviews?*`, async (route) => {
    const response = await route.fetch();
    // The order varies between requests.
    const isFirst = !new URL(route.request().url()).searchParams.has('cursor');
    const missing_databases = isFirst ? ['reviews-1', 'reviews-3'] : ['reviews-3', 'reviews-1'];
    await route.fulfill({ response, json: { ...(await response.json()), missing_databases } });
  });
  await withoutPreloadedResponses(page);
  await page.goto(`/products/${TEDDY}`);
  const notice = page.getByText('Some reviews can');
  const names = /: reviews-1 and reviews-3 are not answering/;
  await expect(notice).toHaveText(names);
  for (const count of [20, 30]) {
    await product(page).more.click();
    await expect(product(page).reviews).toHaveCount(count);
    await expect(notice).toHaveText(names);
  }
});

test.describe('with a newer server', () => {
  test.use({ expectedComplaints: /status of 418/ });

  test('unknown problems are shown by their own texts', async ({ page }) => {
    const problem = {
      type: '/problems/teapot',
      title: 'I am a teapot',
      status: 418,
      detail: 'Short and stout.',
      code: 'teapot',
      request_id: '0194e2f0-6d4a-7a3b-9c1d-2f4e5a6b7c8d',
      errors: [{ pointer: '/body', code: 'too_strong', detail: 'Add water.', params: { ml: 3 } }],
    };
    const contentType = 'application/problem+json';
    await page.goto(`/products/${TEDDY}`);
    await page.route(`**/api/products/${TEDDY}/reviews`, (route) =>
      route.fulfill({ status: 418, contentType, json: problem }),
    );
    const { form } = product(page);
    await form.body.fill('Earl Grey.');
    await form.post.click();
    await expect(form.body).toHaveAccessibleDescription(/Add water\./);
    await page.route('**/api/products?*', (route) =>
      route.fulfill({ status: 418, contentType, json: { ...problem, errors: [] } }),
    );
    await page.getByRole('banner').getByRole('link', { name: 'Products' }).click();
    await expect(page.getByRole('alert')).toContainText('Short and stout.');
  });

  test('the app works with unknown values', async ({ page }) => {
    await signIn(page, ADMIN);
    const change = (path: string, edit: (json: any) => void) =>
      page.route(
        (url) => url.pathname === path,
        async (route) => {
          const response = await route.fetch();
          const json = await response.json();
          edit(json);
          await route.fulfill({ response, json });
        },
      );
    await change('/api/databases', ({ items }) => {
      Object.assign(items[0], { engine: 'duckdb', health: 'resting' });
    });
    await change('/api/admin/accounts', ({ items }) => (items[0].role = 'oracle'));
    await change('/api/admin/reviews', ({ items }) => (items[0].review.status = 'held'));
    await page.goto('/admin/databases');
    await expect(page.getByRole('region', { name: /^reviews-1/ })).toContainText('unknown');
    await page.goto('/admin/accounts');
    await expect(page.getByRole('combobox', { name: 'Role of admin' })).toHaveValue('unknown');
    await page.goto('/admin/reviews');
    await expect(page.getByRole('row').nth(1)).toContainText('Unknown');
    await change('/api/session', (json) => (json.account.role = 'oracle'));
    await page.goto('/account');
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Account admin');
  });
});

test('a partial response is marked as such', async ({ page, api }) => {
  await withoutPreloadedResponses(page);
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
