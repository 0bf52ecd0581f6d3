import { expect, open, test } from './shop';

test('three pairs are decided, and one verdict is taken back', async ({ page, shop, complaints }) => {
  const count = async (state: string) =>
    (await shop.ask<{ items: unknown[] }>('GET', `/api/v1/identity/matching/reviews?state=${state}&limit=1000`)).items
      .length;
  const before = await count('open');
  expect(before).toBeGreaterThanOrEqual(3);
  await open(page, '/data/reviews');
  for (const [verdict, told] of [
    ['same', 'Same person'],
    ['different', 'Different people'],
    ['unsure', 'Cannot say'],
  ]) {
    const pair = page.getByTestId('pair').first();
    await expect(pair.locator('tbody tr').first()).toBeVisible();
    await pair.locator(`[data-verdict=${verdict}]`).click();
    await expect(page.getByTestId('decided')).toContainText(`1 decided: ${told}`);
  }
  await expect.poll(() => count('open')).toBe(before - 3);
  await page.getByTestId('decided').getByRole('button', { name: 'Undo' }).click();
  await expect(page.getByTestId('decided')).toContainText('Open');
  await expect.poll(() => count('open')).toBe(before - 2);
  await page.getByText('Same person', { exact: true }).first().click();
  await expect(page.getByTestId('pair').first().getByRole('button', { name: 'Take back' })).toBeVisible();
  expect(complaints).toEqual([]);
});
