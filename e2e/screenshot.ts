// Not a test: takes the README's pictures. Run by `just screenshot`.
import { catalogue, product } from './pages.js';
import { expect, test } from './test.js';

// Like a phone, without scrollbars that take up space.
test.use({ viewport: { width: 1120, height: 760 }, isMobile: true });

for (const colorScheme of ['light', 'dark'] as const) {
  test(`the catalogue, ${colorScheme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.goto('/');
    await expect(catalogue(page).cards).toHaveCount(24);
    await page.screenshot({ path: `../docs/catalogue-${colorScheme}.png` });
  });

  test(`a product, ${colorScheme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.goto('/products/1');
    await expect(product(page).reviews).toHaveCount(10);
    await page.screenshot({ path: `../docs/product-${colorScheme}.png` });
  });
}
