import { Button, type ButtonProps, Group, Modal, Stack } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { type Right, useMay } from '../rights';
import { useLanguage } from '../settings';
import { Trouble } from './said';

interface AskFirstProps extends ButtonProps {
  /** What the button says, and the one that does it. */
  label: string;
  title: string;
  /** What will come of it, in numbers where there are any. */
  consequence: ReactNode;
  act: () => Promise<unknown>;
  /** Who has not this right is not offered it. */
  right?: Right;
  done?: () => void;
}

/** A button for what cannot be taken back: it asks first, and says what will come of it. */
export function AskFirst({ label, title, consequence, act, right, done, ...button }: AskFirstProps) {
  const { say } = useLanguage();
  const may = useMay();
  const [opened, { open, close }] = useDisclosure(false);
  const acting = useMutation({
    mutationFn: act,
    onSuccess: () => {
      close();
      done?.();
    },
  });
  if (right && !may(right)) return null;
  return (
    <>
      <Button variant="default" {...button} onClick={open}>
        {label}
      </Button>
      <Modal opened={opened} onClose={close} title={title} closeButtonProps={{ 'aria-label': say('cancel') }}>
        <Stack>
          <div>{consequence}</div>
          {acting.error && <Trouble error={acting.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {say('cancel')}
            </Button>
            <Button color="red" loading={acting.isPending} onClick={() => acting.mutate()}>
              {label}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  );
}

interface FormDialogProps {
  title: string;
  opened?: boolean;
  close: () => void;
  /** What the form does, and the word on the button that does it. */
  doing: { mutate: () => void; error: Error | null; isPending: boolean };
  label: string;
  children: ReactNode;
}

/** A dialog with a form: its fields, what went wrong, and the button that sends it. */
export function FormDialog({ title, opened = true, close, doing, label, children }: FormDialogProps) {
  const { say } = useLanguage();
  return (
    <Modal opened={opened} onClose={close} title={title} closeButtonProps={{ 'aria-label': say('cancel') }}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          doing.mutate();
        }}
      >
        <Stack>
          {children}
          {doing.error && <Trouble error={doing.error} />}
          <Button type="submit" loading={doing.isPending}>
            {label}
          </Button>
        </Stack>
      </form>
    </Modal>
  );
}
