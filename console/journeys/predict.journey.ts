import { expect, open, test, unique } from './shop';

test('a model is trained, its quality is read, and its best five percent become an audience', async ({
  page,
  shop,
  complaints,
}) => {
  const name = unique('worth').replace('-', '_');
  await open(page, '/predictions');
  await page.getByRole('button', { name: 'New model' }).click();
  const form = page.getByRole('dialog');
  await form.getByRole('textbox', { name: 'Name' }).fill(name);
  await form.getByRole('button', { name: 'Make and train' }).click();
  await expect(page).toHaveURL(new RegExp(`/predictions/${name}$`));
  const believe = page.getByRole('region', { name: 'How far to believe it' });
  await expect(believe.locator('li').first()).toBeVisible({ timeout: 60_000 });
  await expect(believe).toContainText('which it had not seen');
  const { latest } = await shop.ask<{ latest: { quality: string; customers: number } }>(
    'GET',
    `/api/v1/models/${name}`,
  );
  await expect(page.locator('main')).toContainText(
    `Quality${latest.quality === 'unknown' ? 'not known' : latest.quality}`,
  );
  const naive = page.getByRole('region', { name: 'Beside naive guesses' });
  await expect(naive.locator('tbody tr').filter({ hasText: '(this model)' })).toHaveCount(1);
  expect(await naive.locator('tbody tr').count()).toBeGreaterThan(1);
  await expect(page.getByRole('region', { name: 'What was said and what came' }).locator('.bars')).toBeVisible();

  await page.getByRole('link', { name: /^The best 5 %/ }).click();
  await expect(page).toHaveURL(/\/audiences\/new/);
  await expect(page.getByTestId('count')).toHaveText(/[1-9]/, { timeout: 30_000 });
  await shop.ask('DELETE', `/api/v1/models/${name}`);
  expect(complaints).toEqual([]);
});
