// What draws charts: only the kinds that are used. Tooltips are drawn, not written as HTML, because the
// Content-Security-Policy allows no inline style.
import { useComputedColorScheme } from '@mantine/core';
import { useReducedMotion } from '@mantine/hooks';
import { BarChart, HeatmapChart, LineChart, SankeyChart, ScatterChart } from 'echarts/charts';
import {
  DatasetComponent,
  GridComponent,
  LegendComponent,
  MarkAreaComponent,
  MarkLineComponent,
  TooltipComponent,
  VisualMapComponent,
} from 'echarts/components';
import { type EChartsCoreOption, type EChartsType, init, registerTheme, use } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';
import { useEffect, useRef } from 'react';

use([
  BarChart,
  HeatmapChart,
  LineChart,
  SankeyChart,
  ScatterChart,
  DatasetComponent,
  GridComponent,
  LegendComponent,
  MarkAreaComponent,
  MarkLineComponent,
  TooltipComponent,
  VisualMapComponent,
  CanvasRenderer,
]);

/** What is drawn, in the words of ECharts, and what a click on a part of it does. */
export interface Drawing {
  option: EChartsCoreOption;
  onPick?: (picked: {
    dataIndex: number;
    seriesIndex?: number;
    name: string;
    data: unknown;
    dataType?: string;
  }) => void;
}

// The accent first, then quiet colours that differ in lightness too.
const colours = {
  light: ['#097555', '#c98a1b', '#4f6d9c', '#a8566f', '#7a8b3a', '#6d6a75', '#3a9bb0', '#b0643a'],
  dark: ['#4fac8c', '#e0b45c', '#8aa6d6', '#d88da3', '#b1c272', '#a9a6b3', '#77c8da', '#dc9a72'],
};

function themed(dark: boolean) {
  const [ink, quiet, line, paper] = dark
    ? ['#d5d8dc', '#a0a6ad', '#3a3f45', '#1f2226']
    : ['#2b2f33', '#5b6268', '#e3e6e8', '#ffffff'];
  const axis = {
    axisLine: { lineStyle: { color: line } },
    axisTick: { show: false },
    axisLabel: { color: quiet, hideOverlap: true },
    splitLine: { lineStyle: { color: line } },
    nameTextStyle: { color: quiet },
  };
  return {
    color: dark ? colours.dark : colours.light,
    backgroundColor: 'transparent',
    textStyle: { color: ink, fontFamily: 'system-ui, sans-serif' },
    categoryAxis: { ...axis, splitLine: { show: false } },
    valueAxis: { ...axis, axisLine: { show: false } },
    timeAxis: { ...axis, splitLine: { show: false } },
    logAxis: axis,
    legend: { textStyle: { color: quiet }, icon: 'roundRect', itemWidth: 10, itemHeight: 10 },
    tooltip: { backgroundColor: paper, borderColor: line, textStyle: { color: ink } },
    visualMap: { textStyle: { color: quiet } },
    line: { symbol: 'circle', symbolSize: 4, showSymbol: false, lineStyle: { width: 2 } },
    bar: { itemStyle: { borderRadius: 2 } },
    sankey: { label: { color: ink }, lineStyle: { opacity: 0.3 } },
  };
}
registerTheme('light', themed(false));
registerTheme('dark', themed(true));

export default function Drawn({ option, onPick }: Drawing) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<EChartsType>(null);
  const pick = useRef(onPick);
  pick.current = onPick;
  const scheme = useComputedColorScheme('light');
  const still = useReducedMotion(false, { getInitialValueInEffect: false });

  useEffect(() => {
    if (!place.current) return;
    const drawn = init(place.current, scheme, { renderer: 'canvas' });
    chart.current = drawn;
    drawn.on('click', (p) => pick.current?.(p as never));
    // It is told the size that it has first, too.
    const size = new ResizeObserver(([{ contentRect: is }]) => {
      if (Math.abs(is.width - drawn.getWidth()) >= 1 || Math.abs(is.height - drawn.getHeight()) >= 1) drawn.resize();
    });
    size.observe(place.current);
    return () => {
      size.disconnect();
      drawn.dispose();
    };
  }, [scheme]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new scheme is a new chart, which must be told again
  useEffect(() => {
    const defaults = {
      grid: { left: 8, right: 16, top: 24, bottom: 8, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
      tooltip: { renderMode: 'richText', confine: true },
      animation: !still,
      animationDuration: 300,
    };
    chart.current?.setOption(
      { ...defaults, ...option, tooltip: { ...defaults.tooltip, ...(option.tooltip ?? {}) } },
      true,
    );
  }, [option, scheme, still]);

  return <div ref={place} style={{ width: '100%', height: '100%' }} />;
}
