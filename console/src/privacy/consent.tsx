import { Text } from '@mantine/core';
import { IconChecklist } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { api, type Schema } from '../api';
import { Behind } from '../parts/bars';
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
  const { say, number, month } = useLanguage(words);
  const told = useConsent().data?.months;
  const { months, lines } = useMemo(() => overTime(told ?? []), [told]);
  const names = months.map((m) => month(m));
  if (months.length === 0) return null;
  return (
    <Part title={say('overTime')} about={say('overTimeHelp')}>
      <Chart
        summary={say('overTimeSummary', { first: names[0], last: names[names.length - 1] })}
        plot={{
          kind: 'lines',
          end: months.length - 1,
          ticks: names.map((label, x) => ({ x, label })),
          lines: lines.map((l) => ({
            name: l.name,
            points: l.counts.map((y, x) => ({ x, y, title: `${l.name}, ${names[x]}: ${number(y)}` })),
          })),
        }}
      />
      <Behind
        head={[say('month'), ...lines.map((l) => l.name)]}
        rows={names.map((n, x) => [n, ...lines.map((l) => number(l.counts[x]))])}
      />
    </Part>
  );
}

/** How many agreed at the end of each month; a month has no entry where nobody did. */
function overTime(told: Schema<'ConsentMonth'>[]) {
  const what = (m: { purpose: string; channel: string }) => (m.channel ? `${m.purpose} / ${m.channel}` : m.purpose);
  const counts = new Map(told.map((m) => [`${m.month} ${what(m)}`, m.granted]));
  const months = [...new Set(told.map((m) => m.month))];
  const lines = [...new Set(told.map(what))].sort();
  return { months, lines: lines.map((name) => ({ name, counts: months.map((m) => counts.get(`${m} ${name}`) ?? 0) })) };
}
