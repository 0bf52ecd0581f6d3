export default async function ({ page, look, go }) {
  for (const name of ['consent', 'requests', 'retention', 'audit']) {
    await go(`/privacy/${name}`);
    await look(`privacy-${name}`);
    if (name !== 'requests') continue;
    await page.locator('main input:not([type=hidden])').nth(1).fill('ann@example.com');
    await page.locator('main form button').first().click();
    await page.locator('[role=dialog] form').waitFor();
    await look('privacy-note');
    await page.keyboard.press('Escape');
  }
}
