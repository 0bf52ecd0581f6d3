import { Button, Group, Menu, Stack, Text, TextInput } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { memo } from 'react';
import type { Schema } from '../api';
import { useLanguage } from '../settings';
import { asGroup, presets, type Rule } from './condition';
import { ConditionGroup } from './group';
import { Remove } from './inputs';
import { words } from './words';

interface SuppressProps {
  rules: Rule[];
  set: (rules: Rule[]) => void;
  /** What each rule takes out, as it was counted. */
  counts: Schema<'SuppressCount'>[];
}

/** Rules that leave people out: presets that are often wanted, or conditions of one's own. */
export const Suppress = memo(({ rules, set, counts }: SuppressProps) => {
  const { say } = useLanguage(words);
  const put = (i: number, r: Rule) => set(rules.map((o, j) => (i === j ? r : o)));
  const unused = Object.keys(presets).filter((k) => !rules.some((r) => r.name === say(k as 'presetConsent')));
  return (
    <Stack gap="sm">
      {rules.map((r, i) => {
        const told = counts.find((c) => c.name === r.name.trim());
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: its name is being written
          <Stack key={i} gap={4}>
            <Group gap="xs" wrap="nowrap">
              <TextInput
                size="xs"
                flex={1}
                maw={320}
                aria-label={say('ruleName')}
                placeholder={say('ruleName')}
                value={r.name}
                onChange={(e) => put(i, { ...r, name: e.currentTarget.value })}
              />
              {told && (
                <Text size="xs" c="dimmed">
                  {say('removed', { removed: told.removed, alone: told.alone })}
                </Text>
              )}
              <Remove label={say('removeRule')} act={() => set(rules.filter((_, j) => j !== i))} />
            </Group>
            <ConditionGroup of={asGroup(r.when)} set={(when) => put(i, { ...r, when })} />
          </Stack>
        );
      })}
      <Menu position="bottom-start">
        <Menu.Target>
          <Button size="compact-xs" variant="light" w="fit-content" leftSection={<IconPlus size={14} aria-hidden />}>
            {say('rule')}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {unused.map((k) => (
            <Menu.Item key={k} onClick={() => set([...rules, { name: say(k as 'presetConsent'), when: presets[k]() }])}>
              {say(k as 'presetConsent')}
            </Menu.Item>
          ))}
          <Menu.Item onClick={() => set([...rules, { name: '', when: { and: [] } }])}>{say('ownRule')}</Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </Stack>
  );
});
