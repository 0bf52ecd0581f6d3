import { expect, server, TOKEN, test } from './shop';

const most = 300 * 1024;

test('the first page is small', async ({ page, complaints }) => {
  // A browser that has nothing yet, from the first byte to a page that can be used.
  let bytes = 0;
  const sizes: Promise<void>[] = [];
  page.on('response', (r) => {
    if (!r.url().startsWith(`${server}/console`)) return;
    sizes.push(
      r
        .request()
        .sizes()
        .then((s) => {
          bytes += s.responseBodySize + s.responseHeadersSize;
        }),
    );
  });
  expect(TOKEN).not.toBe('');
  const began = Date.now();
  await page.goto(`${server}/console/`);
  await page.getByRole('heading', { level: 1, name: 'Home' }).waitFor();
  const interactive = Date.now() - began;
  await page.waitForLoadState('load');
  await page.locator('.bars').first().waitFor(); // what the page loads when it begins to show things counts, too
  await Promise.all(sizes);
  console.log(`the first page: ${(bytes / 1024).toFixed(0)} KB as they were sent, its title after ${interactive} ms`);
  expect(bytes).toBeGreaterThan(20 * 1024);
  expect(bytes).toBeLessThan(most);
  expect(complaints).toEqual([]);
});
