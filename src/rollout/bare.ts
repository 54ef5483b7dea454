/** The message of an error of a node's, without the node's name before it. */
export function bare(node: string, { message }: Error): string {
  return message.startsWith(`${node}: `) ? message.slice(node.length + 2) : message;
}
