import type { Request } from '@playwright/test';

import { catalogue, product, review } from '../pages.js';
import { expect, ok, test, type Api } from '../test.js';

const TEDDY = '1';
const REVIEWS = `**/api/products/${TEDDY}/reviews`;

async function teddyRating(api: Api) {
  const params = { path: { id: TEDDY } };
  return ok(await api.GET('/api/products/{id}/rating', { params }));
}

async function newestReview(api: Api) {
  const params = { path: { id: TEDDY }, query: { limit: 1 } };
  const { items } = ok(await api.GET('/api/products/{id}/reviews', { params }));
  return items[0]!;
}

function isPost(request: Request): boolean {
  return request.method() === 'POST';
}

test('a new review appears at once, and the rating follows', async ({ page, api, server }) => {
  const before = await teddyRating(api);
  let loads = 0;
  page.on('load', () => loads++);
  await page.goto(`/products/${TEDDY}`);
  const teddy = product(page);
  await expect(teddy.rating).toContainText(`${before.count} reviews`);

  await teddy.form.stars('2 stars').check();
  await teddy.form.title.fill('A stray thread');
  await teddy.form.body.fill('The left ear came off.\n\nSewn on again, it holds.');
  await teddy.form.author.fill('Aspasia');
  await teddy.form.post.click();

  await expect(teddy.form.status).toHaveText('Your review has been posted.');
  const mine = teddy.reviews.first();
  await expect(mine).toContainText('A stray thread');
  await expect(mine).toContainText('Sewn on again, it holds.');
  await expect(mine).toContainText('Aspasia');
  await expect(mine).toContainText('just now');
  await expect(mine.getByRole('img', { name: '2 out of 5 stars' })).toBeVisible();
  await expect(teddy.rating).toContainText(`${before.count + 1} reviews`);
  await expect(teddy.bar(2)).toHaveAccessibleName(
    new RegExp(`^2 stars: ${before.histogram[1]! + 1} reviews?$`),
  );
  await expect(teddy.form.body).toHaveValue('');
  await expect(teddy.form.title).toHaveValue('');
  await expect(teddy.form.stars('No rating')).toBeChecked();
  expect(loads).toBe(1);

  await page.reload();
  await expect(teddy.reviews.first()).toContainText('A stray thread');
  await expect(teddy.rating).toContainText(`${before.count + 1} reviews`);
  expect(await teddyRating(api)).toMatchObject({ count: before.count + 1 });
  await server.run('verify');
});

test('the catalogue shows the new rating, too', async ({ page, api }) => {
  const { count } = await teddyRating(api);
  await page.goto('/');
  await catalogue(page).card('Brown teddy bear').click();
  await product(page).form.body.fill('Fine.');
  await product(page).form.post.click();
  await expect(product(page).form.status).toHaveText('Your review has been posted.');

  await page.goBack();
  await expect(catalogue(page).card('Brown teddy bear')).toContainText(`${count + 1} reviews`);
});

test('errors appear beside each field before anything is sent', async ({ page }) => {
  let posts = 0;
  page.on('request', (request) => (posts += isPost(request) ? 1 : 0));
  await page.goto(`/products/${TEDDY}`);
  const { form } = product(page);

  await form.title.fill('é'.repeat(256));
  await form.post.click();
  await expect(form.title).toHaveAccessibleDescription(/255 characters at most; it has 256/);
  await expect(form.body).toHaveAccessibleDescription(/must not be blank/);
  for (const field of [form.title, form.body]) {
    await expect(field).toHaveAttribute('aria-invalid', 'true');
  }
  await expect(form.author).not.toHaveAttribute('aria-invalid', 'true');
  await expect(form.title).toBeFocused();

  await form.title.press('Backspace');
  await expect(form.title).not.toHaveAttribute('aria-invalid', 'true');
  await form.post.click();
  await expect(form.body).toBeFocused();
  await form.body.fill('Something, after all.');
  await expect(form.body).not.toHaveAttribute('aria-invalid', 'true');
  expect(posts).toBe(0);

  await form.post.click();
  await expect(form.status).toHaveText('Your review has been posted.');
  expect(posts).toBe(1);
});

test.describe('when the server refuses', () => {
  test.use({ expectedComplaints: /status of 422/ });

  for (const [pointer, field] of [
    ['/rating', 'rating'],
    ['/title', 'title'],
    ['/body', 'body'],
    ['/author_name', 'author'],
  ] as const) {
    test(`its error about ${pointer} appears beside the field`, async ({ page }) => {
      await page.route(REVIEWS, (route) =>
        isPost(route.request())
          ? route.fulfill({
              status: 422,
              contentType: 'application/problem+json',
              json: {
                type: '/problems/validation_failed',
                title: 'Validation failed',
                status: 422,
                detail: 'The review can’t be taken.',
                code: 'validation_failed',
                request_id: '0194e2f0-6d4a-7a3b-9c1d-2f4e5a6b7c8d',
                errors: [{ pointer, code: 'invalid_value', detail: 'Not on a Sunday.' }],
              },
            })
          : route.continue(),
      );
      await page.goto(`/products/${TEDDY}`);
      const { form } = product(page);
      await form.stars('1 star').check();
      await form.body.fill('Fine.');
      await form.post.click();

      await expect(form[field]).toHaveAccessibleDescription(/Not on a Sunday\./);
      await expect(form[field]).toBeFocused();
      await expect(form.body).toHaveValue('Fine.');
      await expect(form.status).toHaveText('');
    });
  }
});

test.describe('when the connection breaks', () => {
  test.use({ expectedComplaints: /ERR_FAILED/ });

  test('trying again posts the review once', async ({ page, api }) => {
    const { count } = await teddyRating(api);
    let attempts = 0;
    await page.route(REVIEWS, async (route) => {
      if (isPost(route.request()) && ++attempts === 1) {
        // The worst case: the server stores the review, but its response is lost.
        await route.fetch();
        await route.abort();
      } else {
        await route.continue();
      }
    });
    await page.goto(`/products/${TEDDY}`);
    const teddy = product(page);
    await teddy.form.body.fill('Said once.');
    await teddy.form.post.click();

    await expect(page.getByRole('alert')).toContainText('was not posted');
    await expect(teddy.form.body).toHaveValue('Said once.');
    await page.getByRole('button', { name: 'Try again' }).click();
    await expect(teddy.form.status).toHaveText('Your review has been posted.');
    await expect(teddy.reviews.first()).toContainText('Said once.');
    expect(attempts).toBe(2);
    expect(await teddyRating(api)).toMatchObject({ count: count + 1 });
  });
});

test('a text is shown exactly as typed', async ({ page, api }) => {
  page.on('dialog', (dialog) => {
    throw new Error(`the review was run: ${dialog.message()}`);
  });
  const title = '<b>bold</b> & "quoted" &amp; <script>alert(1)</script>';
  const author = 'שלום <i>עולם</i> 🏺';
  const body =
    '<img src=x onerror=alert(2)>\n\tindented,  two spaces\n\nمرحبا، {{ 7 * 7 }} 👩‍👩‍👧‍👦 \u202Eobviously';
  await page.goto(`/products/${TEDDY}`);
  const teddy = product(page);
  await teddy.form.title.fill(title);
  await teddy.form.body.fill(body);
  await teddy.form.author.fill(author);
  await teddy.form.post.click();
  await expect(teddy.form.status).toHaveText('Your review has been posted.');
  expect(await newestReview(api)).toMatchObject({ title, body, author_name: author });

  const asTyped = async (within = page.getByRole('article').first()) => {
    // Compares white space too, which `toHaveText` ignores.
    await expect.poll(() => within.getByText('onerror').evaluate((e) => e.textContent)).toBe(body);
    await expect(within.getByText('onerror')).toHaveCSS('white-space-collapse', /preserve|break/);
    await expect(within.getByRole('heading', { name: title })).toBeVisible();
    await expect(within).toContainText(author);
    await expect(within.locator('b, i, img:not([alt=""]), script')).toHaveCount(0);
  };
  await asTyped();
  await page.reload();
  await asTyped();
  await teddy.permalinks.first().click();
  await expect(review(page).where).toBeVisible();
  await asTyped();
});

test('a draft survives visits to other pages', async ({ page }) => {
  await page.goto(`/products/${TEDDY}`);
  const { form, permalinks } = product(page);
  await form.stars('4 stars').check();
  await form.body.fill('Half a thought');
  await permalinks.first().click();
  await expect(review(page).where).toBeVisible();
  await page.goBack();
  await expect(form.body).toHaveValue('Half a thought');
  await expect(form.stars('4 stars')).toBeChecked();
});
