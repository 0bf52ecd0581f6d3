import { Anchor, createTheme, type MantineColorsTuple, NavLink, Paper } from '@mantine/core';

// One accent, a deep pine; everything else is a shade of grey, a little cool in the dark.
const pine: MantineColorsTuple = [
  '#eaf6f2',
  '#d3eae2',
  '#acdacb',
  '#75bfa6',
  '#4fac8c',
  '#369f7b',
  '#279872',
  '#168461',
  '#097555',
  '#006547',
];

// What is not wrong and wants to be looked at; dark enough to be read on its own pale ground.
const amber: MantineColorsTuple = [
  '#fdf3dd',
  '#f7e3b5',
  '#efcf85',
  '#e0b45c',
  '#c99632',
  '#b07f1e',
  '#966a12',
  '#7f590c',
  '#6b4a07',
  '#573c04',
];

const dark: MantineColorsTuple = [
  '#d5d8dc',
  '#b4bac0',
  '#939aa2',
  '#5f6870',
  '#3a4147',
  '#2e3439',
  '#252a2e',
  '#1c2023',
  '#15181a',
  '#0f1113',
];

export const theme = createTheme({
  primaryColor: 'pine',
  respectReducedMotion: true,
  primaryShade: { light: 8, dark: 7 },
  colors: { pine, amber, dark },
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "Cascadia Mono", "Noto Sans Mono", monospace',
  defaultRadius: 'md',
  headings: { fontWeight: '600' },
  components: {
    // What can be chosen is drawn when it is looked at; by name, so that what draws it is loaded with the first form.
    Combobox: { defaultProps: { keepMounted: false } },
    Anchor: Anchor.extend({ defaultProps: { inherit: true } }),
    NavLink: NavLink.extend({ styles: { root: { borderRadius: 'var(--mantine-radius-md)' } } }),
    Paper: Paper.extend({ defaultProps: { radius: 'md' } }),
  },
});
