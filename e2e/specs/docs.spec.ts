// The page with the API's documentation.
import { expect, test } from '../test.js';

for (const colorScheme of ['light', 'dark'] as const) {
  test(`the docs lead back to the app, ${colorScheme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme });
    await page.goto('/');
    await page.getByRole('banner').getByRole('link', { name: 'API' }).click();
    await expect(page).toHaveURL('/docs/');
    await expect(page.getByText('/api/products/{id}/reviews').first()).toBeVisible();
    const background = () =>
      page.locator('.swagger-ui').first().evaluate((ui) => getComputedStyle(ui).backgroundColor);
    const dark = 'rgb(28, 32, 34)';
    if (colorScheme === 'dark') await expect.poll(background).toBe(dark);
    else await expect.poll(background).not.toBe(dark);
    // It follows when the system changes.
    const other = colorScheme === 'dark' ? 'light' : 'dark';
    await page.emulateMedia({ colorScheme: other });
    if (other === 'dark') await expect.poll(background).toBe(dark);
    else await expect.poll(background).not.toBe(dark);

    await page.getByRole('link', { name: 'Ostrakon', exact: false }).first().click();
    await expect(page).toHaveURL('/');
  });
}
