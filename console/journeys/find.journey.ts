import { expect, open, test } from './shop';

test('a customer is searched, and it can be read why two records are one', async ({ page, shop, complaints }) => {
  const email = await shop.joined(0);
  await open(page, '/customers');
  await page.getByRole('searchbox').fill(email);
  await expect(page.locator('tbody tr')).toHaveCount(1);
  await page.locator('tbody a').first().click();
  await expect(page.getByRole('heading', { level: 1 })).not.toHaveText('Customers');
  await expect(page.getByText(email).first()).toBeVisible();
  await page.getByText('Why one person').click();
  const why = page.getByTestId('why').locator('li');
  await expect(why.first()).toContainText('in one record on');
  await expect(page.getByTestId('why')).toContainText(email);
  // The picture's lines open to what was told, from the keyboard too.
  await page.locator('.tie').first().focus();
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('told')).toContainText('joins');
  expect(complaints).toEqual([]);
});
