kubectl kubestash __complete trigger ''
