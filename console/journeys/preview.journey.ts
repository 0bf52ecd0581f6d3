import { expect, server, test } from './shop';

test('a count that takes its time says how far it is', async ({ page, complaints }) => {
  // The answer is held back, and what is told of it meanwhile is said here: the page shows what it is told.
  let far: object = { running: true, done: 1, of: 4 };
  let editor = '';
  let asked = '';
  let answer = () => {};
  const held = new Promise<void>((go) => {
    answer = go;
  });
  await page.route('**/api/v1/audiences/preview', async (route) => {
    editor = route.request().postDataJSON().editor;
    await held;
    await route.continue();
  });
  await page.route('**/api/v1/previews/*', async (route) => {
    asked = decodeURIComponent(route.request().url().split('/').pop() ?? '');
    await route.fulfill({ json: far });
  });
  const where = { trait: 'country', op: 'exists' };
  await page.goto(`${server}/console/audiences/new?where=${encodeURIComponent(JSON.stringify(where))}`);
  const bar = page.getByRole('progressbar', { name: 'Counting' });
  await expect(bar).toHaveAttribute('aria-valuenow', '25');
  far = { running: true, done: 3, of: 4 };
  await expect(bar).toHaveAttribute('aria-valuenow', '75');
  expect(asked).not.toBe('');
  expect(asked).toBe(editor);
  answer();
  await expect(page.getByTestId('count')).toHaveText(/[1-9]/);
  await expect(bar).toHaveCount(0);
  expect(complaints).toEqual([]);
});
