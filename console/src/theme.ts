import { createTheme, type MantineColorsTuple } from '@mantine/core';

// One accent, a deep pine; everything else is a shade of grey.
const pine: MantineColorsTuple = [
  '#eaf6f2',
  '#d3eae2',
  '#a6d5c5',
  '#75bfa6',
  '#4fac8c',
  '#369f7b',
  '#279872',
  '#168461',
  '#097555',
  '#006547',
];

export const theme = createTheme({
  primaryColor: 'pine',
  primaryShade: { light: 8, dark: 5 },
  autoContrast: true,
  colors: { pine },
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "Cascadia Mono", "Noto Sans Mono", monospace',
  defaultRadius: 'sm',
  headings: { fontWeight: '600' },
});
