import { ActionIcon, Group, Paper, Text } from '@mantine/core';
import { IconCheck, IconX } from '@tabler/icons-react';
import { Link, useRouterState } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { useMay } from '../rights';
import { entries } from '../sections';
import { useLanguage } from '../settings';
import { useTour } from './state';
import { offered, visited } from './steps';
import { words } from './words';

/** What to try first, above the page, until it is hidden. */
export function Tour({ name }: { name: string }) {
  const { say } = useLanguage(words);
  const may = useMay();
  const tour = useTour(name);
  const at = useRouterState({ select: (s) => s.location.pathname });
  const all = offered(
    entries.map((e) => e.to),
    may,
  );
  const seen = useRef(''); // an address is one visit, however often it is drawn
  useEffect(() => {
    if (seen.current === at || tour.hidden) return;
    seen.current = at;
    const done = visited(tour.done, all, at);
    if (done.length > tour.done.length) tour.mark(done);
  }, [at, all, tour]);
  if (tour.hidden || all.length === 0) return null;
  const next = all.find((s) => !tour.done.includes(s.key));
  const many = all.filter((s) => tour.done.includes(s.key)).length;
  return (
    <Paper withBorder p="sm" mb="lg" component="aside" aria-label={say('first')} className="unprinted">
      <Group justify="space-between" align="flex-start" wrap="nowrap" gap="xs">
        <Group gap="4px 16px">
          <Text size="sm" fw={600}>
            {say('first')}{' '}
            <Text span size="xs" c="dimmed" fw={400}>
              {say('progress', { done: many, all: all.length })}
            </Text>
          </Text>
          {all.map((s) => {
            const done = tour.done.includes(s.key);
            return (
              <Group key={s.key} gap={4} wrap="nowrap">
                {done && <IconCheck size={14} aria-hidden />}
                {done ? (
                  <Text size="sm" c="dimmed">
                    {say(s.key)}
                  </Text>
                ) : (
                  <Link className="link" data-sized to={s.to} data-strong={s === next || undefined}>
                    {say(s.key)}
                  </Link>
                )}
              </Group>
            );
          })}
        </Group>
        <ActionIcon variant="subtle" color="gray" aria-label={say('hide')} onClick={tour.hide} data-hide-tour>
          <IconX size={16} aria-hidden />
        </ActionIcon>
      </Group>
      <Text size="sm" c="dimmed" mt={4}>
        {next ? say(`${next.key}How`) : say('allDone')}
      </Text>
    </Paper>
  );
}
