// Yesterday's big spenders: an older baseline of value against the present one, what weighs otherwise since, and who moved.
import { List, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api';
import { OneOf } from '../parts/oneof';
import { Part } from '../parts/page';
import { Trouble, Waiting } from '../parts/said';
import { Sheet } from '../parts/sheet';
import { useLanguage } from '../settings';
import { words } from './words';

export function Baseline({ name, promoted }: { name: string; promoted: number }) {
  const { say, number, percent, day } = useLanguage(words);
  const [by, setBy] = useState<'category' | 'product'>('category');
  const told = useQuery({
    queryKey: ['models', name, 'baseline', promoted, by],
    queryFn: () => api.get('/api/v1/models/{name}/baseline', { path: { name }, query: { by } }),
    staleTime: 5 * 60_000,
    retry: false,
  });
  const r = told.data;
  return (
    <Part title={say('baseline')} about={r && say('baselineAbout', { was: day(r.old.day), now: day(r.new.day) })}>
      {told.error && <Trouble error={told.error} />}
      {told.isPending && <Waiting />}
      {r && (
        <Stack gap="sm">
          <List size="sm" spacing={4}>
            {[...(r.summary ?? []), ...(r.notes ?? [])].map((s) => (
              <List.Item key={s}>{s}</List.Item>
            ))}
          </List>
          {(r.mix ?? []).length > 0 && (
            <>
              <OneOf
                label={say('baselineBy')}
                data={[
                  { value: 'category', label: say('byCategory') },
                  { value: 'product', label: say('byProduct') },
                ]}
                value={by}
                set={(b) => setBy(b as 'category')}
              />
              <Sheet
                head={[say(by === 'category' ? 'byCategory' : 'byProduct'), say('shareThen'), say('shareNow')]}
                rows={(r.mix ?? []).map((m) => [
                  m.name,
                  percent(m.before),
                  <Text key="now" component="span" inherit fw={m.weight ? 600 : undefined}>
                    {percent(m.after)}
                  </Text>,
                ])}
              />
            </>
          )}
          <Sheet
            head={[say('movedWhy'), say('count'), say('valueThen'), say('valueNow')]}
            rows={(r.why ?? []).map((w) => [
              `${w.direction === 'down' ? '▼' : w.direction === 'up' ? '▲' : '+'} ${w.why}`,
              number(w.people),
              number(Math.round(w.value_before)),
              number(Math.round(w.value_after)),
            ])}
          />
        </Stack>
      )}
    </Part>
  );
}
