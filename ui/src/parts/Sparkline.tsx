// A small line of how a number went, without axes; its label says it in words.
type Props = { values: (number | null)[]; label: string; width?: number; height?: number; color?: string }

export function Sparkline({ values, label, width = 120, height = 32, color = "leaf" }: Props) {
  const known = values.filter((value) => value !== null)
  if (known.length === 0) return null
  const top = Math.max(...known)
  const bottom = Math.min(0, ...known)
  const x = (index: number) => 2 + (index / Math.max(1, values.length - 1)) * (width - 4)
  const y = (value: number) => height - 3 - ((value - bottom) / (top - bottom || 1)) * (height - 6)
  const points = values.flatMap((value, index) => (value === null ? [] : [[x(index), y(value)] as const]))
  const line = points.map(([px, py]) => `${px.toFixed(1)},${py.toFixed(1)}`).join(" ")
  const [first, last] = [points[0], points[points.length - 1]]
  const stroke = `var(--mantine-color-${color}-6)`
  return (
    <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
      <title>{label}</title>
      <polygon
        points={`${first?.[0]},${height} ${line} ${last?.[0]},${height}`}
        fill={stroke}
        fillOpacity={0.13}
      />
      <polyline points={line} fill="none" stroke={stroke} strokeWidth={1.8} strokeLinejoin="round" />
      {last && <circle cx={last[0]} cy={last[1]} r={2.2} fill={stroke} />}
    </svg>
  )
}
