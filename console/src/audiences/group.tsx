import { Box, Button, Group, Menu, Stack, Text } from '@mantine/core';
import { IconPlus, IconStack2 } from '@tabler/icons-react';
import { useStages } from '../parts/names';
import { OneOf } from '../parts/oneof';
import { useLanguage } from '../settings';
import { type Condition, complete, fresh, fromGroup, groupOf, type Kind, kindOf, type Mode } from './condition';
import { Remove } from './inputs';
import { Row } from './rows';
import { words } from './words';

interface GroupProps {
  of: Condition;
  set: (c: Condition) => void;
  remove?: () => void;
  depth?: number;
}

/** Conditions of which all, any or none have to hold; one of them may be such a group again. */
export function ConditionGroup({ of, set, remove, depth = 0 }: GroupProps) {
  const { say } = useLanguage(words);
  const { mode, items } = groupOf(of) ?? { mode: 'all' as Mode, items: [of] };
  const put = (list: Condition[], m = mode) => set(fromGroup(m, list));
  return (
    <Box className="group" data-depth={depth % 2} p={{ base: 8, sm: 'sm' }}>
      <Group gap="xs" mb="xs" justify="space-between" wrap="nowrap">
        <Group gap="xs">
          <OneOf
            label={say('mode')}
            data={(['all', 'any', 'none'] as const).map((m) => ({ value: m, label: say(`mode_${m}`) }))}
            value={mode}
            set={(m) => put(items, m as Mode)}
          />
          <Text size="xs" c="dimmed">
            {say(`mode_${mode}_of`)}
          </Text>
        </Group>
        {remove && <Remove label={say('removeGroup')} act={remove} />}
      </Group>
      <Stack gap={6}>
        {items.map((c, i) => {
          const one = { set: (n: Condition) => put(items.map((o, j) => (i === j ? n : o))) };
          const drop = () => put(items.filter((_, j) => j !== i));
          // biome-ignore lint/suspicious/noArrayIndexKey: a condition has no name but its place
          if (groupOf(c)) return <ConditionGroup key={i} of={c} {...one} remove={drop} depth={depth + 1} />;
          // biome-ignore lint/suspicious/noArrayIndexKey: a condition has no name but its place
          return <Line key={i} of={c} {...one} remove={drop} />;
        })}
      </Stack>
      <Group gap={4} mt="xs">
        <Add add={(c) => put([...items, c])} />
        <Button
          size="compact-xs"
          variant="subtle"
          leftSection={<IconStack2 size={14} aria-hidden />}
          onClick={() => put([...items, { or: [] }])}
        >
          {say('addGroup')}
        </Button>
      </Group>
    </Box>
  );
}

function Line({ of, set, remove }: Required<Pick<GroupProps, 'of' | 'set' | 'remove'>>) {
  const { say } = useLanguage(words);
  return (
    <Group className="line" data-open={!complete(of) || undefined} gap={6} align="flex-start" wrap="nowrap" p={6}>
      <Group gap={6} flex={1} miw={0}>
        <Text size="xs" c="dimmed" w={84} pt={7} style={{ flex: '0 0 auto', alignSelf: 'flex-start' }}>
          {say(`kind_${kindOf(of)}`)}
        </Text>
        <Row of={of} set={set} />
      </Group>
      <Remove label={say('removeCondition')} act={remove} />
    </Group>
  );
}

const kinds: Kind[] = [
  'trait',
  'event',
  'sequence',
  'audience',
  'prediction',
  'percentile',
  'consent',
  'identifier',
  'message',
  'lifecycle',
  'catalog',
  'json',
];

/** The kinds of conditions, each with what it is for. */
function Add({ add }: { add: (c: Condition) => void }) {
  const { say } = useLanguage(words);
  const stages = useStages();
  return (
    <Menu width={290} position="bottom-start">
      <Menu.Target>
        <Button size="compact-xs" variant="light" leftSection={<IconPlus size={14} aria-hidden />}>
          {say('addCondition')}
        </Button>
      </Menu.Target>
      <Menu.Dropdown mah={380} style={{ overflowY: 'auto' }}>
        {kinds
          .filter((k) => k !== 'lifecycle' || stages.length > 0)
          .map((k) => (
            <Menu.Item key={k} onClick={() => add(fresh[k]())}>
              <Text size="sm">{say(`kind_${k}`)}</Text>
              <Text size="xs" c="dimmed">
                {say(`for_${k}`)}
              </Text>
            </Menu.Item>
          ))}
      </Menu.Dropdown>
    </Menu>
  );
}
