import { expect, open, test } from './shop';

test('an identifier is taken out of a person, with the consequence shown before, and joined again', async ({
  page,
  shop,
  complaints,
}) => {
  const email = await shop.joined(1);
  await open(page, `/customers/email/${encodeURIComponent(email)}?show=identity`);
  const before = await page.getByRole('heading', { level: 1 }).textContent();
  const box = page.getByRole('button', { name: /^anonymous_id / }).first();
  const taken = ((await box.getAttribute('aria-label')) ?? '').split(' ')[1];
  await box.click();
  await page.getByTestId('take-out').getByRole('button', { name: 'Take out' }).click();
  const asked = page.getByRole('dialog');
  await expect(asked).toContainText(taken);
  await expect(asked).toContainText(email);
  await asked.getByRole('button', { name: 'Take out' }).click();
  await expect(asked).toBeHidden();
  await expect(page.getByText('kept apart by').first()).toBeVisible();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(before ?? '');
  const apart = await shop.ask<{ id: string }>('GET', `/api/v1/profiles/anonymous_id/${taken}`);
  const stayed = await shop.ask<{ id: string }>('GET', `/api/v1/profiles/email/${encodeURIComponent(email)}`);
  expect(apart.id).not.toBe(stayed.id);

  await page.getByRole('button', { name: 'Merge with' }).click();
  const merging = page.getByRole('dialog');
  await merging.getByRole('combobox', { name: 'Identifier' }).click();
  await page.getByRole('option', { name: 'anonymous_id' }).click();
  await merging.getByRole('textbox', { name: 'Value' }).fill(taken);
  await merging.getByRole('button', { name: 'Look up' }).click();
  await expect(merging.getByRole('status')).toContainText('becomes part of');
  await merging.getByRole('button', { name: 'Merge with' }).click();
  await expect(merging).toBeHidden();
  const again = await shop.ask<{ id: string }>('GET', `/api/v1/profiles/anonymous_id/${taken}`);
  const both = await shop.ask<{ id: string }>('GET', `/api/v1/profiles/email/${encodeURIComponent(email)}`);
  expect(again.id).toBe(both.id);
  expect(complaints).toEqual([]);
});
