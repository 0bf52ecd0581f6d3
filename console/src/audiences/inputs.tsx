// What rows of conditions are made of: names, comparisons, values and spans of time.
import { ActionIcon, Autocomplete, Group, NumberInput, TagsInput, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconX } from '@tabler/icons-react';
import { useState } from 'react';
import { type Choice, useValues } from '../parts/names';
import { useLanguage } from '../settings';
import { type Condition, span, typed } from './condition';
import { words } from './words';

export interface RowProps {
  of: Condition;
  set: (c: Condition) => void;
}

interface SuggestProps {
  label: string;
  value: string;
  set: (v: string) => void;
  choices: Choice[];
  w?: number;
  size?: 'xs' | 'sm';
}

/** A name or value that is typed or chosen from what the data has, each with how often. */
export function Suggest({ label, value, set, choices, w = 190, size = 'xs' }: SuggestProps) {
  const { short } = useLanguage();
  const counts = new Map(choices.map((c) => [c.value, c.count]));
  return (
    <Autocomplete
      size={size}
      w={w}
      aria-label={label}
      placeholder={label}
      value={value}
      onChange={set}
      data={[...counts.keys()]}
      limit={50}
      maxDropdownHeight={260}
      renderOption={({ option }) => {
        const n = counts.get(option.value);
        return (
          <Group justify="space-between" w="100%" wrap="nowrap" gap="xs">
            <Text size="xs" truncate>
              {option.value}
            </Text>
            {n !== undefined && (
              <Text size="xs" c="dimmed">
                {short(n)}
              </Text>
            )}
          </Group>
        );
      }}
    />
  );
}

const textOps =
  'eq ne in not_in contains not_contains starts_with ends_with gt gte lt lte between exists not_exists before after';

const numberOps = 'gte lte eq ne gt lt';

/** A comparison, in words. */
export function Op({
  value,
  set,
  numbers,
  w = 128,
}: {
  value: string;
  set: (op: string) => void;
  numbers?: boolean;
  w?: number;
}) {
  const { say } = useLanguage(words);
  const ops = (numbers ? numberOps : textOps).split(' ');
  return (
    <Choose
      w={w}
      label={say('comparison')}
      data={Object.fromEntries(ops.map((o) => [o, say((numbers ? `n_${o}` : `op_${o}`) as 'op_eq')]))}
      value={value}
      set={set}
    />
  );
}

const inList = (op: string | undefined) => op === 'in' || op === 'not_in';

/** The value with a shape that the comparison takes. */
export function reshaped(op: string, value: unknown): unknown {
  if (inList(op)) return Array.isArray(value) ? value : value === '' || value === undefined ? [] : [value];
  if (op === 'between')
    return Array.isArray(value) && value.length === 2 ? value : [Array.isArray(value) ? '' : (value ?? ''), ''];
  return Array.isArray(value) ? (value[0] ?? '') : (value ?? '');
}

interface ValueProps {
  op: string;
  value: unknown;
  set: (v: unknown) => void;
  of: { trait: string } | { event: string; property: string };
}

/** What a comparison compares with: one value, two, a list, or none. */
export function Value({ op, value, set, of }: ValueProps) {
  const { say } = useLanguage(words);
  const [looked, setLooked] = useState('');
  const [prefix] = useDebouncedValue(looked, 200);
  const choices = useValues(of, prefix);
  if (op === 'exists' || op === 'not_exists') return null;
  if (inList(op)) {
    const list = Array.isArray(value) ? value.map(String) : [];
    return (
      <TagsInput
        size="xs"
        miw={190}
        maw={360}
        aria-label={say('value')}
        placeholder={list.length > 0 ? undefined : say('value')}
        value={list}
        data={choices.map((c) => c.value)}
        onSearchChange={setLooked}
        onChange={(v) => set(v.map(typed))}
      />
    );
  }
  const one = (v: unknown, put: (v: unknown) => void, label: string) => (
    <Suggest
      label={label}
      value={v === undefined || v === null ? '' : String(v)}
      choices={choices}
      w={150}
      set={(t) => {
        setLooked(t);
        put(typed(t));
      }}
    />
  );
  if (op === 'between') {
    const [low, high] = Array.isArray(value) ? value : ['', ''];
    return (
      <>
        {one(low, (v) => set([v, high]), say('from'))}
        {one(high, (v) => set([low, v]), say('until'))}
      </>
    );
  }
  return one(value, set, say('value'));
}

export function Num(props: { label: string; value: unknown; set: (n: number | '') => void; max?: number; w?: number }) {
  return (
    <NumberInput
      size="xs"
      w={props.w ?? 84}
      aria-label={props.label}
      value={typeof props.value === 'number' ? props.value : ''}
      max={props.max}
      hideControls
      onChange={(v) => props.set(v === '' ? '' : Number(v))}
    />
  );
}

/** When it happened: ever, within a span back from now, longer ago, or between two days. */
export function Window({ of, set }: RowProps) {
  const { say } = useLanguage(words);
  const kind =
    of.within !== undefined ? 'within' : of.older_than !== undefined ? 'older' : of.from || of.to ? 'days' : 'ever';
  const held = span(of.within ?? of.older_than) ?? { n: 30, unit: 'd' };
  const without = { ...of };
  for (const k of ['within', 'older_than', 'from', 'to'] as const) delete without[k];
  const put = (k: string, n: number, unit: string) =>
    set({ ...without, [k === 'older' ? 'older_than' : 'within']: `${n}${unit}` });
  const choose = (k: string) => {
    if (k === 'ever') set(without);
    else if (k === 'days') set({ ...without, from: new Date(Date.now() - 30 * 86_400_000).toISOString().slice(0, 10) });
    else put(k, held.n, held.unit);
  };
  return (
    <>
      <Choose
        w={124}
        label={say('when')}
        data={Object.fromEntries(['ever', 'within', 'older', 'days'].map((k) => [k, say(`when_${k}` as 'when_ever')]))}
        value={kind}
        set={choose}
      />
      {(kind === 'within' || kind === 'older') && (
        <>
          <Num
            label={say('howMany')}
            value={held.n}
            w={60}
            set={(n) => put(kind, Math.max(1, Number(n) || 1), held.unit)}
          />
          <Choose
            w={98}
            label={say('unit')}
            data={Object.fromEntries(['m', 'h', 'd', 'w'].map((u) => [u, say(`unit_${u}` as 'unit_d')]))}
            value={held.unit}
            set={(u) => put(kind, held.n, u)}
          />
        </>
      )}
      {kind === 'days' &&
        (['from', 'to'] as const).map((k) => (
          <TextInput
            key={k}
            type="date"
            size="xs"
            aria-label={say(k === 'from' ? 'from' : 'until')}
            value={of[k] ?? ''}
            onChange={(e) => set({ ...of, [k]: e.currentTarget.value || undefined })}
          />
        ))}
    </>
  );
}

interface ChooseProps {
  label: string;
  value: string;
  /** What there is to choose from, by the value. */
  data: Record<string, string>;
  set: (v: string) => void;
  w?: number;
}

/** One of a few, in the browser's own list: it costs a row little, and is at home on a telephone. */
export function Choose({ label, value, data, set, w = 130 }: ChooseProps) {
  return (
    <select
      className="choose"
      aria-label={label}
      style={{ width: w }}
      value={value}
      onChange={(e) => set(e.currentTarget.value)}
    >
      {Object.entries(data).map(([v, shown]) => (
        <option key={v} value={v}>
          {shown}
        </option>
      ))}
    </select>
  );
}

export function Remove({ label, act }: { label: string; act: () => void }) {
  return (
    <ActionIcon size="sm" variant="subtle" color="gray" aria-label={label} onClick={act}>
      <IconX size={14} aria-hidden />
    </ActionIcon>
  );
}

interface WordsProps {
  value: string;
  set: (words: string) => void;
}

/** How an audience is called that is made. */
export function Name({ value, set }: WordsProps) {
  const { say } = useLanguage(words);
  return (
    <TextInput
      label={say('name')}
      description={say('nameHelp')}
      required
      maxLength={64}
      value={value}
      onChange={(e) => set(e.currentTarget.value)}
    />
  );
}

/** What an audience is for. */
export function Purpose({ value, set }: WordsProps) {
  const { say } = useLanguage(words);
  return (
    <TextInput label={say('description')} maxLength={1000} value={value} onChange={(e) => set(e.currentTarget.value)} />
  );
}
