import { Text } from '@mantine/core';
import { IconChecklist } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { api, type Schema } from '../api';
import { Chart } from '../parts/chart';
import { Part } from '../parts/page';
import { Empty, Trouble, Waiting } from '../parts/said';
import { type Column, DataTable } from '../parts/table';
import { useLanguage } from '../settings';
import { PrivacyPage } from './frame';
import { words } from './words';

type Row = Schema<'ConsentCount'>;

const useConsent = () =>
  useQuery({ queryKey: ['consent'], staleTime: 60_000, queryFn: () => api.get('/api/v1/consent') });

/** Who agreed to what, and how that has gone. */
export function ConsentPage() {
  const { say, percent, number } = useLanguage(words);
  const told = useConsent();
  const rows = told.data?.items ?? [];
  const columns: Column<Row>[] = [
    { key: 'purpose', title: say('purpose'), value: (r) => r.purpose },
    { key: 'channel', title: say('channel'), value: (r) => r.channel, show: (r) => r.channel || say('every') },
    { key: 'granted', title: say('granted'), align: 'end', value: (r) => r.granted },
    { key: 'refused', title: say('refused'), align: 'end', value: (r) => r.refused },
    {
      key: 'share',
      title: say('share'),
      align: 'end',
      value: (r) => r.granted / Math.max(1, r.granted + r.refused),
      show: (r) => percent(r.granted / Math.max(1, r.granted + r.refused)),
    },
  ];
  return (
    <PrivacyPage title={say('consent')} about={say('consentAbout')}>
      {told.error && <Trouble error={told.error} />}
      {told.isPending && <Waiting />}
      {told.data && rows.length === 0 && (
        <Empty icon={IconChecklist} title={say('consentEmpty')}>
          {say('consentEmptyHelp')}
        </Empty>
      )}
      {rows.length > 0 && (
        <>
          <OverTime />
          <DataTable
            label={say('consent')}
            rows={rows}
            columns={columns}
            id={(r) => `${r.purpose}/${r.channel}`}
            sort="-granted"
          />
          <Text size="xs" c="dimmed">
            {say('consentFoot', { count: number(rows.reduce((n, r) => n + r.granted + r.refused, 0)) })}
          </Text>
        </>
      )}
    </PrivacyPage>
  );
}

function OverTime() {
  const { say, short, number } = useLanguage(words);
  const told = useConsent().data?.months;
  const { days, lines, at, option } = useMemo(() => overTime(told ?? [], short), [told, short]);
  if (days.length === 0) return null;
  return (
    <Part title={say('overTime')} about={say('overTimeHelp')}>
      <Chart
        height={240}
        summary={say('overTimeSummary', { first: days[0], last: days[days.length - 1] })}
        table={{
          head: [say('month'), ...lines],
          rows: days.map((d) => [d, ...lines.map((l) => number(at(d, l)))]),
        }}
        option={option}
      />
    </Part>
  );
}

/** The lines of the chart: a month has no entry where nobody agreed. */
function overTime(months: Schema<'ConsentMonth'>[], short: (n: number) => string) {
  const what = (m: { purpose: string; channel: string }) => (m.channel ? `${m.purpose} / ${m.channel}` : m.purpose);
  const counts = new Map(months.map((m) => [`${m.month} ${what(m)}`, m.granted]));
  const days = [...new Set(months.map((m) => m.month))];
  const lines = [...new Set(months.map(what))].sort();
  const at = (day: string, line: string) => counts.get(`${day} ${line}`) ?? 0;
  const option = {
    legend: { top: 0, type: 'scroll' },
    grid: { top: 34, left: 8, right: 16, bottom: 8, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
    xAxis: { type: 'category', data: days, boundaryGap: false },
    yAxis: { type: 'value', splitNumber: 3, axisLabel: { formatter: (v: number) => short(v) } },
    tooltip: { trigger: 'axis' },
    series: lines.map((name) => ({ type: 'line', name, data: days.map((d) => at(d, name)) })),
  };
  return { days, lines, at, option };
}
