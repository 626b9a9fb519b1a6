// All forms: errors are shown, the focus moves to the first invalid field, and forms that are open at
// the same time are independent.
import type { Page, Route } from '@playwright/test';

import { ADMIN, signIn, signUp } from '../accounts.js';
import { product } from '../pages.js';
import { expect, repeatedIds, test } from '../test.js';

type FieldError = { pointer?: string; code: string; detail: string };

/** Responds like a server that refuses these fields. */
function refuse(errors: FieldError[]): (route: Route) => Promise<void> {
  return (route) =>
    route.fulfill({
      status: 422,
      contentType: 'application/problem+json',
      json: {
        type: '/problems/validation_failed',
        title: 'Validation failed',
        status: 422,
        detail: 'Please correct it.',
        code: 'validation_failed',
        request_id: '0194e2f0-6d4a-7a3b-9c1d-2f4e5a6b7c8d',
        errors,
      },
    });
}

async function tokenForm(page: Page) {
  await signUp(page, 'aspasia');
  await page.goto('/account');
  const form = page.getByRole('form', { name: 'New API token' });
  return {
    form,
    name: form.getByLabel('Name'),
    scopes: form.getByRole('group', { name: 'Scopes' }),
    create: form.getByRole('button', { name: 'Create token' }),
  };
}

test.describe('an error', () => {
  test.use({ expectedComplaints: /status of 422/ });

  test('without a field is shown: the 101st token', async ({ page }) => {
    const { form, name, create } = await tokenForm(page);
    for (let number = 1; number <= 100; number++) {
      const data = { name: `script ${number}`, expires_in_days: 30 };
      expect((await page.request.post('/api/accounts/me/tokens', { data })).status()).toBe(201);
    }
    await name.fill('one too many');
    await create.click();
    await expect(form.getByRole('alert')).toContainText('can have 100 API tokens');
    await expect(name).toHaveValue('one too many');
  });

  test('about a field that the form lacks is shown beside the others', async ({
    page,
  }) => {
    const { form, name, scopes, create } = await tokenForm(page);
    await name.fill('import script');
    const scope = { pointer: '/scopes/0', code: 'invalid_value', detail: 'Not this one.' };
    const path = '**/api/accounts/me/tokens';
    await page.route(path, refuse([scope]));
    await create.click();
    await expect(scopes).toHaveAccessibleDescription(/Not this one\./);
    await expect(scopes).toBeFocused();

    await page.route(
      path,
      refuse([
        { pointer: '/colour', code: 'missing_field', detail: 'A token has a colour.' },
        scope,
        { pointer: '/name', code: 'invalid_value', detail: 'Not on a Sunday.' },
      ]),
    );
    await create.click();
    await expect(form.getByRole('alert')).toContainText('A token has a colour.');
    await expect(form.getByRole('alert')).not.toContainText('Sunday');
    await expect(name).toHaveAccessibleDescription(/Not on a Sunday\./);
    await expect(scopes).toHaveAccessibleDescription(/Not this one\./);
    await expect(name, 'the first field of the form, not of the response').toBeFocused();
  });

  test('of a review without a field is shown', async ({ page }) => {
    await page.route(
      '**/api/products/1/reviews',
      (route) =>
        route.request().method() === 'POST'
          ? refuse([{ pointer: '', code: 'invalid_value', detail: 'Not on a Sunday.' }])(route)
          : route.continue(),
    );
    await page.goto('/products/1');
    const { form } = product(page);
    await form.body.fill('Fine.');
    await form.post.click();
    const alert = page.getByRole('form', { name: 'Write a review' }).getByRole('alert');
    await expect(alert).toContainText('Not on a Sunday.');
    await expect(alert).toBeFocused();
  });
});

test.describe('the focus goes to the field', () => {
  test.use({ expectedComplaints: /status of (403|409)/ });

  test('whose password is wrong', async ({ page }) => {
    await signUp(page, 'aspasia');
    await page.goto('/account');
    const form = page.getByRole('form', { name: 'Password' });
    await form.getByLabel('Current password').fill('not this sentence');
    await form.getByLabel('New password').fill('another long sentence');
    await form.getByRole('button', { name: 'Change password' }).click();
    await expect(form.getByLabel('Current password')).toHaveAccessibleDescription(/is incorrect/);
    await expect(form.getByLabel('Current password')).toBeFocused();
  });

  test('whose value another product has', async ({ page }) => {
    await signIn(page, ADMIN);
    const data = { name: 'Obol', sku: 'COIN-1' };
    expect((await page.request.post('/api/admin/products', { data })).status()).toBe(201);
    await page.goto('/admin/products');
    await page.getByRole('button', { name: 'New product' }).click();
    const form = page.getByRole('form', { name: 'Product' });
    await form.getByLabel('Name').fill('Another obol');
    await form.getByLabel('SKU').fill('COIN-1');
    await form.getByRole('button', { name: 'Save' }).click();
    await expect(form.getByLabel('SKU')).toBeFocused();
    await expect(form.getByRole('alert')).toHaveCount(0);
  });

  test('that was not chosen', async ({ page }) => {
    await page.goto('/products/1');
    await product(page).reviews.first().getByRole('button', { name: /^Report/ }).click();
    const dialog = page.getByRole('dialog', { name: 'Report this review' });
    await dialog.getByRole('button', { name: 'Send report' }).click();
    await expect(dialog.getByRole('group', { name: 'What is wrong with it?' })).toBeFocused();
  });
});

test('two reviews can be changed at the same time', async ({ page }) => {
  await signUp(page, 'aspasia');
  for (const [id, body] of [['1', 'The first.'], ['2', 'The second.']]) {
    const answer = await page.request.post(`/api/products/${id}/reviews`, { data: { body } });
    expect(answer.status()).toBe(201);
  }
  await page.goto('/account/reviews');
  const edit = page.getByRole('main').getByRole('button', { name: 'Edit' });
  await edit.first().click();
  await edit.first().click();
  const forms = page.getByRole('form', { name: 'Edit your review' });
  await expect(forms).toHaveCount(2);
  // Newest first.
  const [second, first] = [forms.nth(0), forms.nth(1)];
  await expect(first.getByRole('textbox', { name: 'Title' })).toBeFocused();
  expect(await repeatedIds(page)).toEqual([]);

  // A label leads to the field beside it.
  for (const form of [first, second]) {
    await form.getByText('Review', { exact: true }).click();
    await expect(form.getByRole('textbox', { name: 'Review' })).toBeFocused();
  }
  // Each has its own stars and its own errors.
  await first.getByRole('radio', { name: '2 stars' }).check();
  await second.getByRole('radio', { name: '5 stars' }).check();
  await expect(first.getByRole('radio', { name: '2 stars' })).toBeChecked();
  await first.getByRole('textbox', { name: 'Review' }).fill('');
  await first.getByRole('button', { name: 'Save' }).click();
  await expect(first.getByRole('textbox', { name: 'Review' })).toBeFocused();
  await expect(first.getByRole('textbox', { name: 'Review' })).toHaveAttribute('aria-invalid', 'true');
  await expect(second.getByRole('textbox', { name: 'Review' })).not.toHaveAttribute('aria-invalid');

  await second.getByRole('button', { name: 'Save' }).click();
  await expect(forms).toHaveCount(1);
  await forms.getByRole('textbox', { name: 'Review' }).fill('The first, changed.');
  await forms.getByRole('button', { name: 'Save' }).click();
  const reviews = page.getByRole('main').getByRole('article');
  await expect(reviews).toHaveText([/The second\./, /The first, changed\./]);
});
