export default async function ({ page, look, go, api }) {
  await go('/customers');
  await page.locator('tbody tr').first().waitFor();
  await look('customers');
  await page.locator('tbody a').first().click();
  await page.locator('details').first().waitFor();
  await look('customer');
  const at = new URL(page.url()).pathname.replace('/console', '');
  await go(`${at}?show=identity`);
  await page.locator('.picture').waitFor();
  await page.locator('.tie').first().focus();
  await page.keyboard.press('Enter');
  await look('customer-identity', { light: 900 });
  await go(`${at}/agent`);
  await page.locator('[data-testid=advice]').waitFor({ state: 'attached' });
  await look('agent');
  await api('PUT', '/actions/care%20call', { name: 'care call', value: 900, rate: 0.6, say: 'Shall we put your size aside until Friday?', offer: { code: 'SPRING' } });
  await api('PUT', '/actions/voucher', { name: 'voucher', value: 300, rate: 0.4, say: 'There are 10 % for you until Sunday.' });
  for (let tries = 0; tries < 5; tries++) {
    await go(`${at}/agent`);
    if (await page.locator('[data-testid=next]').count()) break; // one choice in twenty is by lot, and may be nothing
  }
  await look('agent-action');
  await go(`/till?id=${at.split('/').at(-1)}`);
  await page.locator('[data-testid=served]').waitFor();
  await look('till');
  for (const name of ['care%20call', 'voucher']) await api('DELETE', `/actions/${name}`);
}
