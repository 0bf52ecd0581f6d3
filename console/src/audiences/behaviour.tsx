// Rows about what people did: events with their properties, and one event after another.
import { Button, Group, Stack, Text } from '@mantine/core';
import { IconFilterPlus, IconPlus } from '@tabler/icons-react';
import { useEvents, useProperties } from '../parts/names';
import { useLanguage } from '../settings';
import { type Aggregate, aggregateOf, aggregates, type Filter, type Step, withAggregate } from './condition';
import { Choose, Num, Op, Remove, type RowProps, reshaped, Suggest, Value, Window } from './inputs';
import { words } from './words';

/** Did an event so often, or with properties that come to so much. */
export function Behaviour({ of, set }: RowProps) {
  const { say } = useLanguage(words);
  const event = of.event ?? '';
  const { of: what, compare, property } = aggregateOf(of);
  const measured = { count: say('times'), ...Object.fromEntries(aggregates.map((a) => [a, say(`agg_${a}`)])) };
  const where = of.where ?? [];
  return (
    <Stack gap={6} style={{ flex: '1 1 260px' }}>
      <Group gap={6}>
        <Suggest label={say('kind_event')} value={event} choices={useEvents()} set={(e) => set({ ...of, event: e })} />
        <Choose
          w={112}
          label={say('measured')}
          value={what}
          data={measured}
          set={(w) => set(withAggregate(of, w as 'count' | Aggregate, compare, property || 'revenue'))}
        />
        {what !== 'count' && (
          <Property w={140} event={event} value={property} set={(p) => set(withAggregate(of, what, compare, p))} />
        )}
        <Op numbers value={compare.op} set={(op) => set(withAggregate(of, what, { ...compare, op }, property))} />
        <Num
          label={say('value')}
          value={compare.value}
          set={(value) => set(withAggregate(of, what, { ...compare, value }, property))}
        />
        <Window of={of} set={set} />
      </Group>
      <Filters event={event} where={where} set={(w) => set({ ...of, where: w.length > 0 ? w : undefined })} />
    </Stack>
  );
}

function Property(props: { event: string; value: string; set: (v: string) => void; w?: number }) {
  const { say } = useLanguage(words);
  return (
    <Suggest
      w={props.w}
      label={say('property')}
      value={props.value}
      choices={useProperties(props.event)}
      set={props.set}
    />
  );
}

/** Conditions on the properties of an event. */
function Filters({ event, where, set }: { event: string; where: Filter[]; set: (w: Filter[]) => void }) {
  const { say } = useLanguage(words);
  const put = (i: number, f: Filter) => set(where.map((g, j) => (i === j ? f : g)));
  return (
    <>
      {where.map((f, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a filter has no name but its place
        <Group key={i} gap={6} ps="md">
          <Text size="xs" c="dimmed">
            {say('whose')}
          </Text>
          <Property w={150} event={event} value={f.property ?? ''} set={(property) => put(i, { ...f, property })} />
          <Op value={f.op} set={(op) => put(i, { ...f, op, value: reshaped(op, f.value) })} />
          <Value
            op={f.op}
            value={f.value}
            set={(value) => put(i, { ...f, value })}
            of={{ event, property: f.property ?? '' }}
          />
          <Remove label={say('removeProperty')} act={() => set(where.filter((_, j) => j !== i))} />
        </Group>
      ))}
      <Group ps="md">
        <Button
          size="compact-xs"
          variant="subtle"
          leftSection={<IconFilterPlus size={13} aria-hidden />}
          onClick={() => set([...where, { property: '', op: 'eq', value: '' }])}
        >
          {say('addProperty')}
        </Button>
      </Group>
    </>
  );
}

/** One event after another; a step may be that something does not happen. */
export function Sequence({ of, set }: RowProps) {
  const { say } = useLanguage(words);
  const steps = of.sequence ?? [];
  const events = useEvents();
  const put = (i: number, s: Step) => set({ ...of, sequence: steps.map((t, j) => (i === j ? s : t)) });
  return (
    <Stack gap={6} style={{ flex: '1 1 260px' }}>
      {steps.map((s, i) => {
        const name = s.event ?? s.not?.event ?? '';
        const days = Number.parseInt(s.before ?? '', 10);
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: a step has no name but its place
          <Group key={i} gap={6}>
            {i === 0 ? (
              <Text size="xs" c="dimmed" w={44}>
                {say('first')}
              </Text>
            ) : (
              <Choose
                w={116}
                label={say('thenDid')}
                value={s.not ? 'not' : 'did'}
                data={{ did: say('thenDid'), not: say('thenNot') }}
                set={(v) => put(i, { ...(v === 'not' ? { not: { event: name } } : { event: name }), before: s.before })}
              />
            )}
            <Suggest
              label={say('kind_event')}
              value={name}
              choices={events}
              set={(e) => put(i, s.not ? { ...s, not: { ...s.not, event: e } } : { ...s, event: e })}
            />
            {i > 0 && (
              <>
                <Text size="xs">{say('when_within')}</Text>
                <Num
                  w={60}
                  label={say('howMany')}
                  value={Number.isNaN(days) ? '' : days}
                  set={(n) => put(i, { ...s, before: n ? `${n}${(s.before ?? 'd').slice(-1)}` : undefined })}
                />
                <Choose
                  w={98}
                  label={say('unit')}
                  value={(s.before ?? 'd').slice(-1)}
                  data={{ m: say('unit_m'), h: say('unit_h'), d: say('unit_d') }}
                  set={(u) => put(i, { ...s, before: `${Number.isNaN(days) ? 7 : days}${u}` })}
                />
              </>
            )}
            {steps.length > 2 && (
              <Remove label={say('removeStep')} act={() => set({ ...of, sequence: steps.filter((_, j) => j !== i) })} />
            )}
          </Group>
        );
      })}
      <Group gap={6}>
        <Button
          size="compact-xs"
          variant="subtle"
          leftSection={<IconPlus size={13} aria-hidden />}
          onClick={() => set({ ...of, sequence: [...steps, { event: '', before: '7d' }] })}
        >
          {say('addStep')}
        </Button>
        <Text size="xs" c="dimmed">
          {say('whole')}
        </Text>
        <Window of={of} set={set} />
      </Group>
    </Stack>
  );
}
