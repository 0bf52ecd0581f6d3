/** The model that is looked at, with its version learned. */
async function learned(api) {
  const name = 'worth';
  if (!(await api('GET', '/models')).items.some((m) => m.name === name)) {
    await api('POST', '/models', { name, kind: 'ltv', horizon: '90d' });
    await api('POST', `/models/${name}/train`);
  }
  for (;;) {
    const m = await api('GET', `/models/${name}`);
    if (m.latest && !m.running) return name;
    await new Promise((again) => setTimeout(again, 300));
  }
}

export default async function ({ page, look, go, api }) {
  const name = await learned(api);
  await go('/predictions');
  await page.locator('tbody a').first().waitFor();
  await look('predictions');
  await go(`/predictions/${name}`);
  await page.locator('.bars').first().waitFor();
  await look('prediction', { light: 900 });
}
