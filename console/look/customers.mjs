export default async function ({ page, look, go }) {
  await go('/customers');
  await page.locator('tbody tr').first().waitFor();
  await look('customers');
  await page.locator('tbody a').first().click();
  await page.locator('details').first().waitFor();
  await look('customer');
}
