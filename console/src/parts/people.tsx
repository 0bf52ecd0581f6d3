import { Anchor, Group, Stack, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useMay } from '../rights';
import { useCalled } from './called';

/** A person by the id of the profile: the name, which leads to the page of what is known. Who may see nobody sees a dash. */
export function Person({ id }: { id: string }) {
  const seen = useMay()('people') && id !== '';
  const name = useCalled(id, seen);
  if (!seen) return <>–</>;
  return (
    <Anchor
      renderRoot={(props) => (
        <Link to="/customers/$namespace/$value" params={{ namespace: 'id', value: id }} {...props} />
      )}
    >
      <bdi>{name || id}</bdi>
    </Anchor>
  );
}

/** Some people, with what tells them apart. */
export function People({ ids }: { ids: string[] }) {
  return (
    <Stack gap={4}>
      {ids.map((id) => (
        <Group key={id} justify="space-between" gap="xs" wrap="nowrap">
          <Text size="sm" truncate>
            <Person id={id} />
          </Text>
        </Group>
      ))}
    </Stack>
  );
}
