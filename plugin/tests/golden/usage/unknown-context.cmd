kubectl kubestash watch orders --context prdo
